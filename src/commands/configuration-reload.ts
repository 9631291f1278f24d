/**
 * Reads the configuration again while the proxy runs, and has it follow: what is faulty is refused whole,
 * what needs a restart is said once (decision 0026). It shows names of settings, never their values.
 */
import type { RunningProxy } from "../cluster.ts";
import type { ConfigFile } from "../config/config-file-schema.ts";
import type { ConfigWarning } from "../config/config-tree.ts";
import { type LoadedSettings, type LoadOptions, loadSettings } from "../config/load-settings.ts";
import type { ProcessLogger } from "../config/logger.ts";
import { ReadFiles } from "../config/read-files.ts";
import { type SettingChange, settingChanges, withLiveSettings } from "../config/setting-changes.ts";
import { toSettings } from "../config/to-settings.ts";
import type { EnvironmentKeys } from "../models/environment-keys.ts";
import { ConfigError } from "../models/errors.ts";
import { maskKey } from "../models/masked-key.ts";
import type { Clock } from "../services/clock.ts";
import type { ListChanges } from "../services/environments/environment-list.ts";
import { FileWatch } from "../services/file-watch.ts";

type ReloadingProxy = Pick<RunningProxy, "reconfigure">;

export interface ConfigurationReloadOptions {
  readonly configPath?: string | undefined;
  /** What the proxy was started with, and the files that it was read of. */
  readonly started: LoadedSettings;
  readonly files: ReadFiles;
  readonly log: ProcessLogger;
}

/** The configuration of a proxy that runs. */
export class ConfigurationReload {
  readonly #source: LoadOptions;
  readonly #started: LoadedSettings;
  readonly #log: ProcessLogger;
  /** Whether there was a file when a configuration was taken last, or the variables alone decided. */
  #hasFile: boolean;
  /** The settings that count: the live ones as they were read last, the others as at the start. */
  #running: ConfigFile;
  /** Of the last try, well or not. */
  #files: ReadFiles;
  #digest: string;
  /** Of the configuration that was taken last. */
  #remarks: ReadonlySet<string>;
  /** The changes that wait for a restart, as they were warned of. */
  #waiting = "[]";

  constructor({ configPath, started, files, log }: ConfigurationReloadOptions) {
    this.#source = { configPath };
    this.#started = started;
    this.#log = log;
    this.#hasFile = started.configPath !== null;
    this.#running = started.file;
    this.#files = files;
    this.#digest = files.digest();
    this.#remarks = new Set(started.warnings.map(remarkOf));
  }

  /** Reads it again whenever the files change, until it is disposed of; not while `config_watch` is false. */
  watch(proxy: ReloadingProxy, clock: Clock): Disposable {
    return new FileWatch({ paths: () => this.#watched(), onChange: () => this.reload(proxy), clock });
  }

  /**
   * Reads it again, at once.
   * @param isAsked somebody waits for a word, also where no file has changed
   */
  reload(proxy: ReloadingProxy, isAsked = false): void {
    try {
      this.#reload(proxy, isAsked);
    } catch (error) {
      this.#log.logger.error({ err: error }, "A reload failed by a bug: the running configuration stays");
    }
  }

  #reload(proxy: ReloadingProxy, isAsked: boolean): void {
    const files = new ReadFiles(this.#files);
    const read = this.#read(files);
    const digest = files.digest();
    if (digest === this.#digest && !isAsked) return;
    this.#files = files;
    this.#digest = digest;
    const { logger } = this.#log;
    const [file = ""] = files.paths;
    if (this.#hasFile && files.isMissing(file)) {
      logger.warn({ file }, "The configuration file is not there any more: the running configuration stays");
    } else if (read instanceof ConfigError) {
      const faults = read.message.split("\n");
      logger.error({ faults }, "The configuration is faulty, and refused whole: the running one stays");
    } else this.#take(read, proxy);
  }

  #read(files: ReadFiles): LoadedSettings | ConfigError {
    try {
      return loadSettings({ ...this.#source, readFile: files.read });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return error;
    }
  }

  #take(read: LoadedSettings, proxy: ReloadingProxy): void {
    const { logger, setLevel } = this.#log;
    this.#hasFile = read.configPath !== null;
    for (const warning of read.warnings) {
      if (!this.#remarks.has(remarkOf(warning))) logger.warn({ setting: warning.path }, warning.message);
    }
    this.#remarks = new Set(read.warnings.map(remarkOf));
    const changes = settingChanges(this.#running, read.file);
    const live = changes.filter((each) => each.class === "live");
    const waiting = changes.filter((each) => each.class === "restart");
    if (live.length > 0) {
      const running = withLiveSettings(this.#running, read.file);
      const settings = toSettings(running, this.#started.beside);
      setLevel(settings.logging.level);
      const environments = proxy.reconfigure(settings);
      // Last: one that fails by a bug is tried again.
      this.#running = running;
      const fields = { settings: live.map(({ path }) => path), ...shownChanges(environments) };
      logger.info(fields, "The configuration was read again, and counts from now on");
    }
    const isNews = this.#warnOfRestart(waiting);
    if (live.length === 0 && !isNews) logger.info({}, "The configuration was read again: nothing changes");
  }

  /** Once for the same values. @returns whether it was to be said */
  #warnOfRestart(waiting: readonly SettingChange[]): boolean {
    const text = JSON.stringify(waiting);
    const isNews = waiting.length > 0 && text !== this.#waiting;
    if (isNews) {
      const settings = waiting.map(({ path }) => path);
      this.#log.logger.warn({ settings }, "Settings have changed that count after a restart only");
    }
    this.#waiting = text;
    return isNews;
  }

  #watched(): readonly string[] {
    if (!this.#running.config_watch) return [];
    // Where there was no file, none is waited for; the variables may refer to secrets.
    return this.#hasFile ? this.#files.paths : this.#files.paths.slice(1);
  }
}

function remarkOf({ path, message }: ConfigWarning): string {
  return `${path} ${message}`;
}

/** The environments that came, went or have other keys, as logs name them. */
function shownChanges({ added, rekeyed, removed }: ListChanges): Record<string, readonly string[]> {
  const shown = (keys: EnvironmentKeys): string => maskKey(keys.serverKeys[0]?.key ?? keys.clientSideKey);
  const changes = { added, rekeyed, removed };
  return Object.fromEntries(
    Object.entries(changes).flatMap(([name, all]) => (all.length === 0 ? [] : [[name, all.map(shown)]])),
  );
}
