/** Usage as it is reported to the upstream (contract B 4.4), and as it is kept until the upstream has it. */
import { z } from "zod";

/** How the upstream names what was asked for. */
const resources = ["flags", "identities", "environment-document"] as const;

/** One kind of request, as usage names it. */
export type UsageResource = (typeof resources)[number];

const row = z.object({
  client_side_key: z.string(),
  resource: z.enum(resources),
  /** Answers of 2xx since the last row of these two. */
  count: z.number().int().min(1),
});

/** So many answers of one environment and one resource, with the members that the upstream expects. */
export type UsageRow = Readonly<z.infer<typeof row>>;

/** Checks what was kept: batches that were to be sent, and counts that were in none yet. */
export const keptUsage = z.object({
  batches: z.array(z.object({ id: z.string().min(1), rows: z.array(row).readonly() })).readonly(),
  rows: z.array(row).readonly(),
});

/** All usage that the upstream has not taken. */
export type KeptUsage = z.infer<typeof keptUsage>;
