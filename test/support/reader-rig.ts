/** Pages for the reader of documents, and the processes it starts. It must not decide what is read where. */
import type { ChildProcess } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { onTestFinished } from "vitest";
import { UpstreamError } from "../../src/models/errors.ts";
import type { PackedDocument } from "../../src/models/packed-document.ts";
import { systemClock } from "../../src/services/clock.ts";
import { DocumentReader } from "../../src/services/documents/document-reader.ts";
import { BlockCollector, type PageBlocks } from "../../src/services/documents/page-blocks.ts";
import { createRecordingLogger } from "./test-app.ts";

/** More than is read in this process. */
export const largeBytes = 300_000;

export const twoOverrides = `{"id":7.0,"api_key":"k","name":"日本 \\ud800","feature_states":[
  {"feature":{"id":1,"name":"f"},"enabled":true,"feature_state_value":1.0}
],"project":{"segments":[{"id":1,"name":"s","rules":[]}]},
"identity_overrides":[{"identifier":"a"},{"identifier":"b"},{"identifier":"a"}]}`;

/** A page in blocks of their own, with so much white space before it. */
export function pageOf(text: string | Uint8Array, padding = 0): PageBlocks {
  const collector = new BlockCollector();
  collector.add(Buffer.alloc(padding, " "));
  collector.add(typeof text === "string" ? Buffer.from(text) : text);
  return collector.finish();
}

export const noSignal = new AbortController().signal;

export function createReader(clock: Pick<typeof systemClock, "sleep"> = systemClock) {
  const { logger, lines } = createRecordingLogger();
  const reader = new DocumentReader({ clock, logger });
  const read = (pages: readonly PageBlocks[], signal = noSignal): Promise<PackedDocument> =>
    reader.read({ pages, label: "ser.…1234", signal });
  return { read, lines };
}

/** @returns the refusal of what is awaited */
export async function refusalOf(reading: Promise<unknown>): Promise<UpstreamError> {
  const outcome = await reading.catch((error: unknown) => error);
  if (outcome instanceof UpstreamError) return outcome;
  throw new Error("it was not refused", { cause: outcome });
}

interface WatchedProcesses {
  started: number;
  /** So many at the same time, at most. */
  most: number;
  onStart(process: ChildProcess): void;
}

/** The processes that are started from now on. */
export function watchProcesses(): WatchedProcesses {
  const watched = { started: 0, most: 0, onStart: (_: ChildProcess): void => undefined };
  let running = 0;
  const watch = (message: unknown): void => {
    const { process: child } = message as { process: ChildProcess };
    watched.started += 1;
    running += 1;
    watched.most = Math.max(watched.most, running);
    child.once("exit", () => {
      running -= 1;
    });
    // The channel tells of it before it runs.
    setImmediate(() => watched.onStart(child));
  };
  subscribe("child_process", watch);
  onTestFinished(() => void unsubscribe("child_process", watch));
  return watched;
}
