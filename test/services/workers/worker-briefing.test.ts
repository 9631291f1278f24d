/** What a new worker is told before it serves. */
import type { ChildProcess } from "node:child_process";
import { expect, it } from "vitest";
import { settingsFrom } from "../../../src/config/load-settings.ts";
import { neverRefreshed } from "../../../src/services/environments/refresh-status.ts";
import { WorkerBriefing } from "../../../src/services/workers/worker-briefing.ts";
import { WorkerChannel } from "../../../src/services/workers/worker-channel.ts";
import { settle } from "../../support/fake-clock.ts";
import { FakeProcess } from "../../support/fake-worker-process.ts";

it("a new worker is told how discovery goes, where there is one", async () => {
  const briefing = new WorkerBriefing(settingsFrom({}));
  const kindsOf = async () => {
    const worker = new FakeProcess();
    await briefing.give(new WorkerChannel(worker as unknown as ChildProcess, () => undefined));
    await settle();
    return worker.sent.map(({ kind }) => kind);
  };
  expect(await kindsOf()).toEqual(["start", "environments-known"]);
  briefing.setDiscoveryStatus(neverRefreshed);
  expect(await kindsOf()).toEqual(["start", "environments-known", "discovery-status"]);
});
