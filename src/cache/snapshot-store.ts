/**
 * Where the current snapshots are: one slot for each served environment. A request reads its slot once and
 * keeps what it got, across every `await`; the publisher alone writes.
 */
import { type AnswerCounts, zeroCounts } from "./answer-counts.ts";
import type { EnvironmentSnapshot } from "./environment-snapshot.ts";

/** One served environment's place. */
export interface SnapshotSlot {
  /** Null until the first document was published. */
  readonly current: EnvironmentSnapshot | null;
  /** Routes count their answers here. */
  readonly counts: AnswerCounts;
}

interface WritableSlot extends SnapshotSlot {
  current: EnvironmentSnapshot | null;
}

/** The one owner of all slots; it looks at no key. */
export class SnapshotStore {
  readonly #slots = new Set<WritableSlot>();

  /** How many environments have a place. */
  get slots(): number {
    return this.#slots.size;
  }

  /** Makes a place for one more environment. */
  addSlot(): SnapshotSlot {
    const slot: WritableSlot = { current: null, counts: zeroCounts() };
    this.#slots.add(slot);
    return slot;
  }

  /** Gives the place up: what it holds is gone, and a publish that is on its way fails. */
  removeSlot(slot: SnapshotSlot): void {
    if (this.#slots.delete(slot as WritableSlot)) (slot as WritableSlot).current = null;
  }

  /** Forgets all answers to identities requests: those from now on meet the limits of now. */
  clearIdentityResponses(): void {
    for (const { current } of this.#slots) {
      if (current === null) continue;
      for (const view of Object.values(current.views)) view.identityResponses.clear();
    }
  }

  /**
   * Replaces what a slot holds: one assignment, so that a request sees the old snapshot or the new one.
   * @throws Error where the slot is not this store's, or not any more
   */
  swap(slot: SnapshotSlot, next: EnvironmentSnapshot): void {
    if (!this.#slots.has(slot as WritableSlot)) throw new Error("the slot is not of this store");
    (slot as WritableSlot).current = next;
  }
}
