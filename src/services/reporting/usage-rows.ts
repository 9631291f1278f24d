/** Rows of usage (contract B 4.4): from the counts of an environment to them, and what they add up to. */
import type { AnswerCount, AnswerCounts } from "../../cache/answer-counts.ts";
import type { UsageResource, UsageRow } from "../../models/usage.ts";

/**
 * Takes what was counted: it counts from 0 again.
 * @param clientSideKey requests with a server key count for it too
 * @returns a row for each resource that was asked for
 */
export function takeRows(clientSideKey: string, counts: AnswerCounts): readonly UsageRow[] {
  const parts: readonly (readonly [UsageResource, AnswerCount])[] = [
    ["flags", counts.flags],
    ["identities", counts.identities],
    ["environment-document", counts.environmentDocument],
  ];
  const rows: UsageRow[] = [];
  for (const [resource, counted] of parts) {
    if (counted.count > 0) rows.push({ client_side_key: clientSideKey, resource, count: counted.count });
    counted.count = 0;
  }
  return rows;
}

/** @returns how many answers the rows count */
export function answersOf(rows: readonly UsageRow[]): number {
  return rows.reduce((total, { count }) => total + count, 0);
}
