/** Medians, spreads and tables: what all benchmarks report in the same way. It measures nothing. */

/** A figure that was measured several times. */
export interface Measure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @param samples at least one */
export function summarize(samples: readonly number[]): Measure {
  const sorted = samples.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  const lower = sorted.length % 2 === 1 ? upper : (sorted[middle - 1] as number);
  return { median: (lower + upper) / 2, min: sorted[0] as number, max: sorted.at(-1) as number };
}

/** Such as `1.18 (1.15–1.24)`: the median, and the least and the most. */
export function measureText({ median, min, max }: Measure, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

/** @returns a table in Markdown, padded, as `docs/performance.md` holds it */
export function tableText(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? "").length), 3),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

/** Such as `≤ 1.15 met`, or `≤ 1.15 MISSED`. */
export function verdictText(target: string, isMissed: boolean): string {
  return `${target} ${isMissed ? "MISSED" : "met"}`;
}

/** Such as `10,000`. */
export function countText(count: number): string {
  return count.toLocaleString("en-US");
}
