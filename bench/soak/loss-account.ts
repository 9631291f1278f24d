/**
 * Keeps account of requests that were not answered as planned: a fault that is at work may cost what its plan
 * says, in kind and number, and all else is a failure. It neither sends nor breaks anything.
 */
import type { Outcome } from "../load-outcomes.ts";

/** A fault, from the moment it begins until nothing of it can be seen any more. */
export interface FaultAtWork {
  readonly name: string;
  /** What requests may end in while it is at work. */
  readonly mayLose: readonly Outcome[];
  /** So many may be lost to a connection that was open when it came; those refused are not counted. */
  readonly lossesMax: number;
}

/** What becomes of who comes while nobody listens. */
const unlimited: readonly string[] = ["refused", "503"] satisfies readonly Outcome[];

export class LossAccount {
  #fault: FaultAtWork | null = null;
  #last: string | null = null;
  #lossesLeft = 0;
  readonly #planned = new Map<string, number>();
  readonly #failures = new Map<string, number>();

  begin(fault: FaultAtWork): void {
    this.#fault = fault;
    this.#last = fault.name;
    this.#lossesLeft = fault.lossesMax;
  }

  end(): void {
    this.#fault = null;
  }

  /** @param unplanned such as `GET flags: reset`, with how many there were */
  add(unplanned: Readonly<Record<string, number>>): void {
    for (const [what, count] of Object.entries(unplanned)) {
      const outcome = what.slice(what.lastIndexOf(" ") + 1);
      const isInKind = this.#fault?.mayLose.includes(outcome as Outcome) === true;
      const lawful = !isInKind ? 0 : unlimited.includes(outcome) ? count : Math.min(count, this.#lossesLeft);
      if (!unlimited.includes(outcome)) this.#lossesLeft -= lawful;
      if (lawful > 0) increase(this.#planned, `${this.#fault?.name}: ${outcome}`, lawful);
      if (count > lawful) this.fail(what, count - lawful);
    }
  }

  /** Something else that was not to be. */
  fail(what: string, count = 1): void {
    increase(this.#failures, `${this.#when()}: ${what}`, count);
  }

  /** What planned faults have cost, such as `kill -9 of a worker: reset`. */
  get planned(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#planned);
  }

  /** One sentence for each, with the fault that was at work. */
  get failures(): readonly string[] {
    return [...this.#failures].map(([what, count]) => `${what} (${count})`);
  }

  #when(): string {
    if (this.#fault !== null) return `amid ${this.#fault.name}`;
    return this.#last === null ? "without a fault" : `in peace, after ${this.#last}`;
  }
}

function increase(counts: Map<string, number>, name: string, by: number): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
