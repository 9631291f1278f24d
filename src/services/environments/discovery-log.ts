/**
 * The log lines of discovery: one for each environment that comes, goes, gets other keys or is passed over,
 * and one for each change of state. It must never log a whole key or a text of the upstream but names.
 */
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import { UpstreamError } from "../../models/errors.ts";
import { maskKey } from "../../models/masked-key.ts";
import type { Clock } from "../clock.ts";
import { FailureSpell } from "../failure-spell.ts";
import type { Logger } from "../service-logger.ts";
import { proxyKeyAction } from "../upstream/next-actions.ts";
import type { DiscoveredEnvironment } from "./discovered-list.ts";
import type { ListChanges } from "./environment-list.ts";

export class DiscoveryLog {
  readonly #logger: Logger;
  readonly #spell: FailureSpell;
  /** By client key: the names of the last list. */
  #names = new Map<string, string | null>();
  /** Client keys of what is not served, and why that was said. */
  #notServed = new Map<string, string>();
  #wasEmpty = false;

  constructor(logger: Logger, clock: Pick<Clock, "monotonicMs">) {
    this.#logger = logger;
    this.#spell = new FailureSpell(clock);
  }

  /** What is served is what the last process served. */
  restored(environments: number, confirmedAt: Date): void {
    this.#logger.warn(
      { environments, confirmedAt: confirmedAt.toISOString() },
      "Serving the environments that were discovered last, until the upstream has answered",
    );
  }

  /** The kept list cannot be used. */
  notRestored(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.#logger.warn({ reason }, "The archived list of environments is not used");
  }

  /**
   * A list has been applied.
   * @param changes what that has changed
   * @param isRestored whether it is that of the last process: what it adds is no news
   */
  applied(list: readonly DiscoveredEnvironment[], changes: ListChanges, isRestored: boolean): void {
    const { added, rekeyed, removed } = changes;
    // Another environment may have the client key by now, by another name.
    for (const keys of removed) {
      const listed = list.find((each) => each.keys.clientSideKey === keys.clientSideKey);
      this.#say(keys, `An environment is not served any more: ${whyRemoved(listed, added)}`);
    }
    this.#names = new Map(list.map(({ keys, name }) => [keys.clientSideKey, name]));
    for (const keys of rekeyed) this.#say(keys, "The keys of an environment have changed");
    for (const keys of isRestored ? [] : added)
      this.#say(keys, "An environment was discovered, and is served");
    this.#sayNotServed(list, changes);
    if (list.length === 0 && !this.#wasEmpty) {
      this.#logger.warn({}, "The upstream lists no environment for this proxy_key: check what it may open");
    }
    this.#wasEmpty = list.length === 0;
  }

  /** A list came. */
  succeeded(failuresBefore: number): void {
    if (!this.#spell.end()) return;
    this.#logger.info({ failures: failuresBefore }, "Environments are being discovered again");
  }

  /**
   * No list came, or none that can be used.
   * @param error an `UpstreamError`; anything else is a bug
   * @param consecutiveFailures this one included
   */
  failed(error: unknown, consecutiveFailures: number): void {
    if (!this.#spell.isNews(error)) return;
    const fields = { failures: consecutiveFailures };
    if (!(error instanceof UpstreamError)) {
      this.#logger.error({ ...fields, err: error }, "Discovery failed by a bug; it goes on");
      return;
    }
    const { code, message } = error;
    this.#logger.warn(
      { ...fields, code },
      `Environments are not discovered, and those that are served stay: ${message}. ${proxyKeyAction(code)}`,
    );
  }

  /** Each once, until it is served or gone. */
  #sayNotServed(list: readonly DiscoveredEnvironment[], { passedOver, removed }: ListChanges): void {
    // Of entries with one client key the first is served.
    const collide = new Set(passedOver);
    const saidAlready = new Set(removed.map(({ clientSideKey }) => clientSideKey));
    const before = this.#notServed;
    this.#notServed = new Map();
    for (const listed of list) {
      const { keys, isUsable } = listed;
      const { clientSideKey } = keys;
      if (isUsable && !collide.has(keys)) continue;
      const why = whyNotServed(listed);
      this.#notServed.set(clientSideKey, why);
      if (before.get(clientSideKey) === why || saidAlready.has(clientSideKey)) continue;
      this.#say(keys, `A discovered environment is passed over: ${why}`);
    }
  }

  #say({ clientSideKey, serverKeys }: EnvironmentKeys, message: string): void {
    const fields = {
      environmentName: this.#names.get(clientSideKey) ?? null,
      clientKey: maskKey(clientSideKey),
      serverKeys: serverKeys.map(({ key }) => maskKey(key)),
    };
    this.#logger.info(fields, message);
  }
}

/** @param listed what has its client key now, if anything has */
function whyRemoved(listed: DiscoveredEnvironment | undefined, added: readonly EnvironmentKeys[]): string {
  if (listed === undefined) return "the upstream does not list it any more";
  if (added.includes(listed.keys)) return "its client key is that of another environment now";
  return whyNotServed(listed);
}

/** @param listed one that is not served */
function whyNotServed({ isUsable }: DiscoveredEnvironment): string {
  return isUsable ? "another one that is served has one of its keys" : "none of its server keys is valid";
}
