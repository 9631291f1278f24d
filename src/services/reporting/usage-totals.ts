/** What was answered and is in no batch yet: a total for each environment and resource, over all workers. */
import type { UsageRow } from "../../models/usage.ts";
import type { UsageBatch } from "../upstream/usage-request.ts";

/** As many as the upstream takes at once (contract B 4.4). */
const batchRowsMax = 1000;
/** Environments come and go, and an outage may last: beyond this, answers that need a new row are lost. */
export const totalsMax = 100_000;

export class UsageTotals {
  readonly #totals = new Map<string, { -readonly [Member in keyof UsageRow]: UsageRow[Member] }>();
  #lost = 0;

  /** How many answers had no room since this was last asked. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  add(rows: readonly UsageRow[]): void {
    for (const row of rows) {
      const name = `${row.resource} ${row.client_side_key}`;
      const total = this.#totals.get(name);
      if (total !== undefined) total.count += row.count;
      else if (this.#totals.size < totalsMax) this.#totals.set(name, { ...row });
      else this.#lost += row.count;
    }
  }

  /** As they stand. */
  get rows(): readonly UsageRow[] {
    return [...this.#totals.values()].map((total) => ({ ...total }));
  }

  /**
   * Takes all of it: the totals begin anew.
   * @param createId makes the key of a batch
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
