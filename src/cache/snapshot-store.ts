/**
 * Where the current snapshots are: one slot for each served environment. A request reads its slot once and
 * keeps what it got, across every `await`; the publisher alone writes.
 */
import type { EnvironmentSnapshot } from "./environment-snapshot.ts";

/** One served environment's place. */
export interface SnapshotSlot {
  /** Null until the first document was published. */
  readonly current: EnvironmentSnapshot | null;
}

interface WritableSlot extends SnapshotSlot {
  current: EnvironmentSnapshot | null;
}

export class SnapshotStore {
  readonly #slots = new Set<WritableSlot>();

  /** Makes a place for one more environment. */
  addSlot(): SnapshotSlot {
    const slot: WritableSlot = { current: null };
    this.#slots.add(slot);
    return slot;
  }

  /**
   * Replaces what a slot holds: one assignment, so that a request sees the old snapshot or the new one.
   * @throws Error where the slot is not this store's
   */
  swap(slot: SnapshotSlot, next: EnvironmentSnapshot): void {
    if (!this.#slots.has(slot as WritableSlot)) throw new Error("the slot belongs to another store");
    (slot as WritableSlot).current = next;
  }
}
