/** What an outage writes to the log: enough at three in the morning, and no more. */
import { expect, test } from "vitest";
import { UpstreamError } from "../../../src/models/errors.ts";
import { RefreshLog } from "../../../src/services/environments/refresh-log.ts";
import { fileAction } from "../../../src/services/upstream/next-actions.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { documentOf, failing, serving, startRig } from "../../support/poller-rig.ts";
import { createRecordingLogger } from "../../support/test-app.ts";

test("one warning when it begins, with what to do, and one line when it ends", async () => {
  await using rig = startRig();
  await rig.clock.advance(0);
  rig.upstream = failing("unreachable");
  await rig.clock.advance(600_000);
  rig.upstream = serving(documentOf("{}"));
  await rig.clock.advance(600_000);
  expect(rig.logs).toEqual([
    {
      level: "warn",
      fields: { environment: "ser.…1234", failures: 1, code: "unreachable" },
      message: expect.stringMatching(/planned unreachable\. Check that the host in api_url/),
    },
    { level: "info", fields: { environment: "ser.…1234", failures: 60 }, message: expect.any(String) },
  ]);
});

test("a new reason is one more warning; the open circuit and a reason seen before are none", async () => {
  await using rig = startRig();
  await rig.clock.advance(0);
  for (const code of ["timeout", "circuit_open", "server_error", "timeout", "server_error"] as const) {
    rig.upstream = failing(code);
    await rig.clock.advance(10_000);
  }
  expect(rig.logs.map(({ fields }) => fields["code"])).toEqual(["timeout", "server_error"]);
});

test("a refusal by the open circuit is no line: the failures that opened it were", async () => {
  await using rig = startRig();
  rig.upstream = failing("circuit_open", 1000);
  await rig.clock.advance(0);
  expect(rig.logs).toEqual([]);
  expect(rig.poller.status).toMatchObject({ state: "failing", reason: "circuit_open" });
});

test("a day of outage is a reminder an hour", async () => {
  await using rig = startRig();
  await rig.clock.advance(0);
  rig.upstream = failing("server_error");
  await rig.clock.advance(86_400_000);
  expect(rig.logs.length).toBeGreaterThanOrEqual(23);
  expect(rig.logs.length).toBeLessThanOrEqual(25);
  expect(JSON.stringify(rig.logs)).not.toContain("secret");
});

test("B15 an upstream that fails at every other poll is at most a line a minute", async () => {
  for (const codes of [["document_invalid"], ["server_error", "timeout", "connection_lost"]] as const) {
    await using rig = startRig();
    const good = documentOf("{}");
    let polls = 0;
    rig.upstream = (request) => {
      polls += 1;
      return polls % 2 === 1 ? good : failing(codes[(polls / 2) % codes.length] ?? "not_json")(request);
    };
    await rig.clock.advance(86_400_000);
    expect(rig.logs.length).toBeLessThanOrEqual(24 * 60);
    // And each reason is told again and again.
    for (const code of codes) {
      expect(rig.logs.filter(({ fields }) => fields["code"] === code).length).toBeGreaterThan(20);
    }
  }
});

test("an outage that comes back soon is told of when it lasts, and its end too", async () => {
  await using rig = startRig();
  const good = documentOf("{}");
  await rig.clock.advance(0);
  for (const lastsMs of [20_000, 300_000]) {
    rig.upstream = failing("unreachable");
    await rig.clock.advance(lastsMs);
    rig.upstream = serving(good);
    await rig.clock.advance(10_000);
  }
  expect(rig.logs.map(({ level }) => level)).toEqual(["warn", "info", "warn", "info"]);
});

test("refreshes that take longer than the interval are said once", async () => {
  await using rig = startRig();
  rig.upstream = () => {
    rig.clock.pass(11_000);
    return documentOf("{}");
  };
  await rig.clock.advance(120_000);
  expect(rig.logs).toMatchObject([{ level: "warn", fields: { durationMs: 11_000, intervalMs: 10_000 } }]);
});

test("what failed on this host is logged with its cause, what failed on the network without", async () => {
  for (const [code, isShown] of [
    ["reader_failed", true],
    ["too_large", true],
    ["document_invalid", true],
    ["unreachable", false],
  ] as const) {
    await using rig = startRig();
    rig.upstream = () => {
      throw new UpstreamError(code, "planned", { cause: new Error("the cause") });
    };
    await rig.clock.advance(0);
    expect(rig.logs).toHaveLength(1);
    const { cause } = rig.logs[0]?.fields ?? {};
    expect(cause).toEqual(isShown ? new Error("the cause") : undefined);
  }
});

test("what is to be done about a file is not what is to be done about an upstream", async () => {
  const { logger, lines } = createRecordingLogger();
  const codes = [
    "not_json",
    "document_invalid",
    "too_large",
    "other_environment",
    "document_shrunk",
  ] as const;
  for (const code of codes) {
    const log = new RefreshLog(() => "ser.…1234", logger, new FakeClock(), fileAction);
    log.failed(new UpstreamError(code, "planned"), 1);
  }
  expect(lines).toHaveLength(codes.length);
  for (const { message } of lines) {
    expect(message).toContain("file");
    expect(message).not.toMatch(/upstream(?!\.)|curl|api_url/);
  }
});
