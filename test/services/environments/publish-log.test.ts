/** What is said of a published document: one line, and a warning where it is older than the one before. */
import { expect, test } from "vitest";
import { PublishLog } from "../../../src/services/environments/publish-log.ts";
import type { PublishReport } from "../../../src/services/environments/snapshot-publisher.ts";
import { createRecordingLogger } from "../../support/test-app.ts";

function reportOf(updatedAt: string | null, clientKey = "clientA"): PublishReport {
  return {
    version: "0123456789abcdef",
    environmentId: 1,
    environmentName: "A",
    clientKey,
    updatedAt: updatedAt === null ? null : new Date(updatedAt),
    counts: { features: 1, segments: 0, bytes: 100 },
    refusedPatterns: [],
  };
}

test("B22 a document older than the one before is one warning with both dates, others are no warning", () => {
  const { logger, lines } = createRecordingLogger();
  const log = new PublishLog({ label: () => "ser.…1234", clientKey: "clientA", logger });
  const dates = ["2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z", null, "2026-02-01T00:00:00Z"];
  for (const date of [...dates, "2026-02-02T00:00:00Z"]) log.published(reportOf(date), 1);
  expect(lines.map(({ level }) => level)).toEqual(["info", "info", "info", "warn", "info"]);
  expect(lines[3]).toMatchObject({
    fields: {
      environment: "ser.…1234",
      updatedAt: "2026-02-01T00:00:00.000Z",
      servedBefore: "2026-03-01T00:00:00.000Z",
    },
    message: expect.stringMatching(/older than the one before.*backup/),
  });
});

test("the environment's own document is no older one than the other environment's that it replaces", () => {
  const { logger, lines } = createRecordingLogger();
  const log = new PublishLog({ label: () => "ser.…1234", clientKey: "clientA", logger });
  log.published(reportOf("2026-03-01T00:00:00Z", "clientB"), 1);
  log.published(reportOf("2026-02-01T00:00:00Z"), 1);
  const messages = lines.filter(({ level }) => level === "warn").map(({ message }) => message);
  expect(messages).toEqual([expect.stringContaining("api_key is not the configured client_side_key")]);
});

test("of a long name its beginning is told", () => {
  const { logger, lines } = createRecordingLogger();
  const log = new PublishLog({ label: () => "ser.…1234", clientKey: "clientA", logger });
  log.published({ ...reportOf(null), environmentName: "n".repeat(100_000) }, 1);
  log.published({ ...reportOf(null), environmentName: null }, 1);
  expect(lines.map(({ fields }) => fields["environmentName"])).toEqual(["n".repeat(100), null]);
});
