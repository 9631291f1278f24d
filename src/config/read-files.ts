/**
 * Remembers which files a configuration was read of, and tells whether they hold the same as at another time.
 * It keeps a digest alone: files may hold keys.
 */
import { createHash } from "node:crypto";
import { type FileReading, readRegularFile, readTextFile } from "./text-file.ts";

/** The files of one reading. */
export class ReadFiles {
  readonly #readings = new Map<string, FileReading>();
  readonly #pipes: ReadonlyMap<string, FileReading>;

  readonly #readNew: (path: string) => FileReading;

  /**
   * @param before of an earlier reading: what a pipe gave then counts on, as it gives it once; no other pipe
   *   is read
   */
  constructor(before: ReadFiles | null = null) {
    this.#readNew = before === null ? readTextFile : readRegularFile;
    // Also of a reading before that, where a fault kept the last one from asking for it.
    const readings = before === null ? [] : [...before.#pipes, ...before.#readings];
    this.#pipes = new Map(readings.filter(([, reading]) => reading.text !== null && reading.isPipe === true));
  }

  /** Reads a file, once: whoever asks for it again gets the same. */
  readonly read = (path: string): FileReading => {
    const reading = this.#readings.get(path) ?? this.#pipes.get(path) ?? this.#readNew(path);
    this.#readings.set(path, reading);
    return reading;
  };

  /** All that were asked for, missing ones included; the configuration file is the first. */
  get paths(): readonly string[] {
    return [...this.#readings.keys()];
  }

  isMissing(path: string): boolean {
    const reading = this.#readings.get(path);
    return reading !== undefined && reading.text === null && reading.missing;
  }

  /** The same for the same paths and contents, or faults of reading them. */
  digest(): string {
    const hash = createHash("sha256");
    for (const [path, reading] of this.#readings) hash.update(`${JSON.stringify([path, reading])}\n`);
    return hash.digest("hex");
  }
}
