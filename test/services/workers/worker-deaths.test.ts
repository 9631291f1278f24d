/** Reliability 2.7: how many ends of workers are survived, and how long the next one waits. */
import { expect, test } from "vitest";
import { ListenError } from "../../../src/services/listener/http-listener.ts";
import { pauseBeforeStartMs, WorkerDeaths } from "../../../src/services/workers/worker-deaths.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const end = { code: null, signal: "SIGKILL", killedFor: null, wasTrying: false };

test("five deaths within half a minute are survived, the sixth is not", () => {
  const deaths = new WorkerDeaths(new FakeClock());
  for (let count = 1; count <= 5; count += 1) expect(deaths.count(end, null)).toBeNull();
  expect(deaths.count(end, null)?.message).toBe("more than 5 workers died within 30 s");
});

test("deaths of more than half a minute ago do not count", () => {
  const clock = new FakeClock();
  const deaths = new WorkerDeaths(clock);
  for (let count = 1; count <= 100; count += 1) {
    expect(deaths.count(end, null)).toBeNull();
    clock.pass(6000);
  }
});

test("deaths of workers that were trying a document do not count", () => {
  const deaths = new WorkerDeaths(new FakeClock());
  for (let count = 1; count <= 100; count += 1) {
    expect(deaths.count({ ...end, wasTrying: true }, null)).toBeNull();
  }
});

test("where the address cannot be listened on, that is what ends the service", () => {
  const deaths = new WorkerDeaths(new FakeClock());
  for (let count = 1; count <= 5; count += 1) deaths.count(end, null);
  const fault = new ListenError("the port is in use");
  expect(deaths.count(end, fault)).toBe(fault);
});

test("after a worker that served the next comes at once; else the wait doubles up to five seconds", () => {
  const pausesMs = [0, 1, 2, 3, 4, 5, 6, 7, 8, 1000].map(pauseBeforeStartMs);
  expect(pausesMs).toEqual([0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
});
