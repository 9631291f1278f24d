/**
 * Client streams of several workers: nobody is told of a document before everybody serves it, since whoever
 * hears of it may ask any of them (contract A10).
 */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { demoDocumentWith, eventually, serverKey } from "../support/running-proxy.ts";
import { StreamClient, streamPath } from "../support/stream-client.ts";
import {
  askEach,
  flagsRequest,
  type RunningWorkers,
  startWorkers,
  successorOf,
  type WorkersOptions,
} from "../support/worker-processes.ts";

const streamCount = 8;
/** The control plane takes a worker for silent after two beats of a second, the first at any time. */
const patienceMsMin = 1000;
/** The last digits of `updated_at`. */
const dateOf = (second: number) => `2026-05-01T00:00:0${second}.5Z`;
const eventOf = (second: number) => `${Date.parse(dateOf(second)) / 1000}`;

const documentOf = (second: number) =>
  demoDocumentWith({ banner_text: `v${second}` }, { updated_at: dateOf(second) });

async function start(options: WorkersOptions = {}) {
  const running = await startWorkers({ document: documentOf(0), ...options });
  onTestFinished(() => running[Symbol.asyncDispose]());
  const streams = await openStreams(running.port);
  return { running, streams };
}

/** So many that each worker has some; each has been told of what there is. */
async function openStreams(port: number): Promise<readonly StreamClient[]> {
  const streams: StreamClient[] = [];
  for (let opened = 0; opened < streamCount; opened += 1) {
    const stream = await StreamClient.open(port);
    onTestFinished(() => stream[Symbol.asyncDispose]());
    await eventually(() => stream.events.length === 1);
    streams.push(stream);
  }
  return streams;
}

/** Connections whose workers serve the banner of this second, of those that answer at all. */
async function served(running: RunningWorkers, second: number) {
  const connections = await running.connect();
  onTestFinished(() => connections[Symbol.asyncDispose]());
  return async () => {
    const answers = await askEach(connections.all, flagsRequest("banner_text"));
    return answers.filter(({ body }) => body.includes(`"v${second}"`)).length;
  };
}

it("whoever has heard of a document finds it at every worker", async () => {
  const { running, streams } = await start();
  for (let second = 1; second < 6; second += 1) {
    const countServed = await served(running, second);
    running.upstream.setDocument(serverKey, documentOf(second));
    const [, ...others] = streams;
    await eventually(() => streams.some(({ events }) => events.at(-1) === eventOf(second)));
    expect(await countServed()).toBe(8);
    await eventually(() => others.every(({ events }) => events.at(-1) === eventOf(second)));
  }
  for (const { events } of streams) expect(events).toEqual([0, 1, 2, 3, 4, 5].map(eventOf));
});

it.each([0, 1])("nobody is told while worker %i stands still, and then everybody", async (place) => {
  const { running, streams } = await start();
  const pid = running.pids()[place] ?? 0;
  process.kill(pid, "SIGSTOP");
  onTestFinished(() => resume(pid));
  const stoppedMs = performance.now();
  running.upstream.setDocument(serverKey, documentOf(1));
  // The other worker has it by then, unless this one was to try it.
  await sleep(500);
  const toldBefore = streams.filter(({ events }) => events.length > 1);
  const isPrompt = performance.now() - stoppedMs < patienceMsMin;
  resume(pid);
  // Else the control plane may have given the worker up, and rightly told of the document.
  if (isPrompt) expect(toldBefore).toEqual([]);
  await eventually(() => streams.every(({ events }) => events.length === 2));
  for (const { events } of streams) expect(events).toEqual([0, 1].map(eventOf));
});

/** It may have been ended meanwhile. */
function resume(pid: number): void {
  try {
    process.kill(pid, "SIGCONT");
  } catch {
    // It was.
  }
}

it("a worker's end ends its streams alone, and its successor's begin with the last event", async () => {
  const { running, streams } = await start();
  running.upstream.setDocument(serverKey, documentOf(1));
  await eventually(() => streams.every(({ events }) => events.length === 2));
  const known = running.pids();
  process.kill(known[0] ?? 0, "SIGKILL");
  await successorOf(running, known);
  const open = () => streams.filter(({ connection }) => connection.isOpen);
  await eventually(() => open().length < streamCount);
  expect(open().length).toBeGreaterThan(0);
  const next = await openStreams(running.port);
  for (const { events } of next) expect(events).toEqual([eventOf(1)]);
  running.upstream.setDocument(serverKey, documentOf(2));
  await eventually(() => next.every(({ events }) => events.at(-1) === eventOf(2)));
});

it("a drain ends all streams in order, within its delay, and the program ends as ever", async () => {
  const { running, streams } = await start({ config: { server: { drain_delay_seconds: 2 } } });
  const ends: number[] = [];
  for (const { connection } of streams) void connection.closed().then(() => ends.push(performance.now()));
  running.proxy.kill("SIGTERM");
  await eventually(() => ends.length > 0);
  await using late = await StreamClient.open(running.port, streamPath);
  expect(late.status).toBe(200);
  expect((await running.proxy.exit).code).toBe(0);
  for (const stream of [...streams, late]) expect(stream.isEnded).toBe(true);
  // They came apart: not all within one turn.
  expect(new Set(ends.map((end) => Math.round(end / 50))).size).toBeGreaterThan(2);
});
