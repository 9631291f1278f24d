/**
 * Loaded into the program's processes before it by `NODE_OPTIONS=--import=…`: faults that the program itself
 * offers no way to. It does nothing until it is asked: by SIGUSR2, or by a document with one of the marks.
 */
import { open } from "node:fs";

const parse = JSON.parse;
const isWorker = /worker\.[jt]s$/.test(process.argv[1] ?? "");

/** In a document: the worker that compiles it ends by a signal, as one does whose heap is full. */
const fatalMark = "injected: end";
/** In a document: the worker that compiles it never comes to an end. */
const endlessMark = "injected: hang";

/** So long the event loop does nothing, where that is the fault. */
const standstillMs = 4000;

if (isWorker) {
  JSON.parse = (text: string, ...others) => {
    if (text.includes(fatalMark)) process.kill(process.pid, "SIGKILL");
    while (text.includes(endlessMark));
    return parse(text, ...others);
  };
}

process.on("SIGUSR2", () => {
  if (process.env["INJECTED_FAULT"] === "a standstill") {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, standstillMs);
    return;
  }
  const pipe = process.env["INJECTED_PIPE"];
  if (pipe !== undefined) {
    // As a read of a disk that hangs: nobody writes to it.
    open(pipe, "r", () => undefined);
    return;
  }
  const fault = new Error("injected fault");
  if (process.env["INJECTED_FAULT"] === "an exception") throw fault;
  void Promise.reject(fault);
});
