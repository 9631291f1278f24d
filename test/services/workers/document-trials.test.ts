/** Documents that one worker tries before the others: what an end is put down to, what is tried again. */
import { expect, test } from "vitest";
import type { SnapshotInput } from "../../../src/cache/environment-snapshot.ts";
import type { PublishReport } from "../../../src/services/environments/snapshot-publisher.ts";
import { DocumentTrials } from "../../../src/services/workers/document-trials.ts";
import type { WorkerChannel } from "../../../src/services/workers/worker-channel.ts";
import { WorkerGoneError } from "../../../src/services/workers/worker-end.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";

const report = { version: "1" } as PublishReport;

function documentOf(digest: string): SnapshotInput {
  return { packed: { digest }, lastModified: null, receivedAt: new Date(0) } as SnapshotInput;
}

/** Trials by a worker that ends, with all that is on it, as soon as it is given a fatal document. */
function startTrials(fatal: readonly string[]) {
  const clock = new FakeClock();
  const tried: string[] = [];
  const killed: string[] = [];
  const chosenFor: boolean[] = [];
  let running: PromiseWithResolvers<PublishReport>[] = [];
  const end = () => {
    for (const { reject } of running) {
      reject(new WorkerGoneError({ code: null, signal: "SIGABRT", killedFor: null, wasTrying: true }));
    }
    running = [];
  };
  const worker = {
    try: async (_: number, { packed }: SnapshotInput) => {
      tried.push(packed.digest);
      const outcome = Promise.withResolvers<PublishReport>();
      running.push(outcome);
      // Others come to be on the same worker before it ends, or is done.
      if (packed.digest !== "endless")
        setImmediate(fatal.includes(packed.digest) ? end : outcome.resolve, report);
      return await outcome.promise;
    },
    kill: (reason: string) => {
      killed.push(reason);
      end();
    },
  } as unknown as WorkerChannel;
  const chooseWorker = async (isSuspect: boolean) => {
    chosenFor.push(isSuspect);
    return worker;
  };
  const trials = new DocumentTrials({ chooseWorker, clock });
  const outcomeOf = (environment: number, digest: string) =>
    trials.try(environment, documentOf(digest)).then(
      () => "served",
      (error: { code?: string }) => error.code ?? error,
    );
  return { clock, tried, killed, chosenFor, outcomeOf };
}

test("a document that ends a worker is tried once more, alone, and then left until it changes", async () => {
  const { outcomeOf, tried, chosenFor, clock } = startTrials(["bad"]);
  expect(await outcomeOf(0, "bad")).toBe("document_fatal");
  expect([tried, chosenFor]).toEqual([
    ["bad", "bad"],
    [false, true],
  ]);
  clock.pass(3_600_000);
  expect(await outcomeOf(0, "bad")).toBe("document_fatal");
  expect(tried).toEqual(["bad", "bad"]);
  expect(await outcomeOf(0, "good")).toBe("served");
});

test("documents that were on the same worker by chance are not blamed", async () => {
  const { outcomeOf, tried } = startTrials(["bad"]);
  const outcomes = await Promise.all([outcomeOf(0, "one"), outcomeOf(1, "bad"), outcomeOf(2, "two")]);
  expect(outcomes).toEqual(["served", "document_fatal", "served"]);
  expect(tried.filter((digest) => digest === "bad")).toHaveLength(2);
});

test("who comes while a suspect is tried waits, so that it is not beside it", async () => {
  const { outcomeOf, tried } = startTrials(["bad"]);
  const suspect = outcomeOf(0, "bad");
  while (tried.length < 2) await new Promise((resolve) => setImmediate(resolve));
  const other = outcomeOf(1, "good");
  expect(await suspect).toBe("document_fatal");
  expect(await other).toBe("served");
  expect(tried).toEqual(["bad", "bad", "good"]);
});

test("after a refusal the next document waits for a pause, which doubles up to a minute", async () => {
  const { outcomeOf, tried, clock } = startTrials(["a", "b", "c", "d", "e", "f"]);
  let count = 0;
  const pausesMs = [5000, 10_000, 20_000, 40_000, 60_000, 60_000];
  for (const [index, pauseMs] of pausesMs.entries()) {
    expect(await outcomeOf(0, "abcdef"[index] ?? "")).toBe("document_fatal");
    count += 2;
    expect(tried).toHaveLength(count);
    clock.pass(pauseMs - 1);
    expect(await outcomeOf(0, "good")).toBe("document_fatal");
    expect(await outcomeOf(1, "good")).toBe("served");
    count += 1;
    expect(tried).toHaveLength(count);
    clock.pass(1);
  }
  expect(await outcomeOf(0, "good")).toBe("served");
});

test("a worker that answers but is not done with a document after two minutes is ended", async () => {
  const { outcomeOf, killed, clock } = startTrials([]);
  const outcome = outcomeOf(0, "endless");
  await settle();
  await clock.advance(119_999);
  expect(killed).toEqual([]);
  await clock.advance(1);
  await clock.advance(120_000);
  expect(killed).toEqual(Array.from({ length: 2 }, () => "it took more than 120 s for one document"));
  expect(await outcome).toBe("document_fatal");
});
