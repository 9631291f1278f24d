/**
 * The client streams of one environment, and what their clients may know of: the last document that was
 * announced and is being served here. It does not know who else serves it.
 */
import type { SnapshotSlot } from "../../cache/snapshot-store.ts";
import type { Clock } from "../clock.ts";
import type { ClientStream, PreparedEvent } from "./client-stream.ts";
import { eventBytes, eventText } from "./stream-texts.ts";

/** A document that clients were told of. */
interface ToldDocument {
  readonly version: string;
  readonly event: PreparedEvent;
}

export class EnvironmentStreams {
  /** Those that are open; a stream joins and leaves by itself. */
  readonly streams = new Set<ClientStream>();
  readonly #slot: SnapshotSlot;
  #told: ToldDocument | null = null;
  /** Announced, and not served here yet. */
  #awaitedVersion: string | null = null;

  constructor(slot: SnapshotSlot) {
    this.#slot = slot;
  }

  /** What a stream begins with; null while no document was announced. */
  get event(): PreparedEvent | null {
    return this.#told?.event ?? null;
  }

  /**
   * Everybody serves this version, or had the time to.
   * @returns whether there is something to tell
   */
  announced(version: string): boolean {
    this.#awaitedVersion = version;
    return this.swapped();
  }

  /**
   * The slot holds another snapshot, perhaps one that was announced before it was here. One that was not
   * announced yet is told of when it is: whoever heard of it now might ask where it is not served yet.
   * @returns whether there is something to tell
   */
  swapped(): boolean {
    const snapshot = this.#slot.current;
    if (snapshot === null || snapshot.version !== this.#awaitedVersion) return false;
    this.#awaitedVersion = null;
    const { version } = snapshot;
    // The same content once more, as the first poll brings it after a start from the archive.
    if (this.#told?.version === version) return false;
    const text = eventText(snapshot.updatedAtSeconds);
    this.#told = { version, event: { text, bytes: eventBytes(text) } };
    return true;
  }

  /** Tells each stream, unless a newer event comes up meanwhile: then that one goes to all. */
  *tellAll(clock: Pick<Clock, "monotonicMs">): Generator<undefined, void> {
    const { event } = this;
    if (event === null) return;
    for (const stream of this.streams) {
      if (this.event !== event) return;
      stream.tell(event, clock.monotonicMs());
      yield;
    }
  }

  /** Ends those that there are now. */
  *endAll(): Generator<undefined, void> {
    for (const stream of [...this.streams]) {
      stream.end();
      yield;
    }
  }
}
