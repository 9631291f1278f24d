/** What was answered and is in no batch yet: a total for each environment and resource, over all workers. */
import type { UsageRow } from "../../models/usage.ts";
import type { UsageBatch } from "../upstream/usage-request.ts";

/** As many as the upstream takes at once (contract B 4.4). */
const batchRowsMax = 1000;
/** Environments come and go, and an outage may last: beyond this, answers that need a new row are lost. */
export const totalsMax = 100_000;

export class UsageTotals {
  /** By resource and client key. */
  readonly #totals = new Map<string, UsageRow>();
  #lost = 0;

  /** How many answers had no room since this was last asked. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /** Counts these too. */
  add(rows: readonly UsageRow[]): void {
    for (const row of rows) {
      const name = `${row.resource} ${row.client_side_key}`;
      const total = this.#totals.get(name);
      if (total !== undefined || this.#totals.size < totalsMax) {
        this.#totals.set(name, { ...row, count: (total?.count ?? 0) + row.count });
      } else this.#lost += row.count;
    }
  }

  /** As they stand. */
  get rows(): readonly UsageRow[] {
    return [...this.#totals.values()];
  }

  /**
   * Takes all of it: the totals begin anew.
   * @param createId makes the key of a batch
   * @returns as few batches as the upstream's limit allows; none where nothing was answered
   */
  takeBatches(createId: () => string): UsageBatch[] {
    const { rows } = this;
    this.#totals.clear();
    const batches: UsageBatch[] = [];
    for (let at = 0; at < rows.length; at += batchRowsMax) {
      batches.push({ id: createId(), rows: rows.slice(at, at + batchRowsMax) });
    }
    return batches;
  }
}
