/** The process of a large document: whatever becomes of it, the proxy goes on, and says what it was. */
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { getPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { readerPriority, readInProcess } from "../../../src/services/documents/reader-process.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import {
  createReader,
  twoOverrides as document,
  largeBytes,
  noSignal,
  pageOf,
  refusalOf,
  watchProcesses,
} from "../../support/reader-rig.ts";
import { isRunning } from "../../support/worker-processes.ts";

const large = () => [pageOf(document, largeBytes)];
const sourceUrl = (name: string) => new URL(`../../../src/services/documents/${name}`, import.meta.url);

/** What a script may do that has this process's modules, but not its limits. */
const scriptHead = `
  import { DocumentReader } from ${JSON.stringify(sourceUrl("document-reader.ts").href)};
  const reader = new DocumentReader({ clock: { sleep: async () => undefined }, logger: { warn() {} } });
  const { signal } = new AbortController();
  const codeOf = (blocks) => reader.read({ pages: [blocks], label: "one", signal }).then(
    () => "fulfilled",
    ({ code, message }) => code + " " + message,
  );
  const block = (text) => new Uint8Array(Buffer.from(text));
  const large = () => [block('{"api_key":"k","project":{},"feature_states":[]}' + " ".repeat(${largeBytes}))];
`;

test("the process has a lower priority, and is gone when its document is there", async () => {
  const processes = watchProcesses();
  const priorities: number[] = [];
  const ended: (number | null)[] = [];
  processes.onStart = (child) => {
    priorities.push(getPriority(child.pid));
    child.once("exit", (code) => ended.push(code));
  };
  await createReader().read(large());
  expect(priorities).toEqual([readerPriority]);
  expect(ended).toEqual([0]);
});

test("the blocks of a large document are given back as soon as they are sent", async () => {
  const pages = large();
  await createReader().read(pages);
  expect(pages.flat().map(({ byteLength }) => byteLength)).toEqual(pages.flat().map(() => 0));
});

test.each(["SIGKILL", "SIGTERM", "SIGABRT"] as const)(
  "a process that %s ends is a failure of that name, and the next document is read",
  async (signal) => {
    const processes = watchProcesses();
    processes.onStart = ({ pid }) => process.kill(pid ?? Number.NaN, signal);
    const reader = createReader();
    const { code, message } = await refusalOf(reader.read(large()));
    expect([code, message]).toEqual(["reader_failed", expect.stringContaining(signal)]);
    processes.onStart = () => undefined;
    await reader.read(large());
  },
);

test("a process that reads already is not ended by the SIGTERM that all of a service get", async () => {
  const processes = watchProcesses();
  const pages = [pageOf(document, 8_000_000)];
  let last: ChildProcess | undefined;
  processes.onStart = (child) => {
    last = child;
  };
  const reading = createReader().read(pages);
  // So much is more than a pipe holds: it has been read.
  await expect.poll(() => pages[0]?.[3]?.byteLength).toBe(0);
  last?.kill("SIGTERM");
  expect((await reading).overrides.starts).toHaveLength(3);
});

test("a process that takes too long is ended, and named so", async () => {
  const { code, message } = await refusalOf(readInProcess(large(), noSignal, 1));
  expect([code, message]).toEqual(["reader_failed", expect.stringContaining("did not end within")]);
});

test("a process that cannot be started is a failure, and the next document is read", async () => {
  const { read } = createReader();
  const { execPath } = process;
  process.execPath = "/nowhere/node";
  const failing = refusalOf(read(large()));
  process.execPath = execPath;
  const { code, message } = await failing;
  expect([code, message]).toEqual(["reader_failed", expect.stringContaining("ENOENT")]);
  await read(large());
});

test.skipIf(process.platform === "win32")(
  "where no file can be opened any more, the proxy lives and says so, and reads the next document",
  async () => {
    const script = `${scriptHead}
      import { closeSync, openSync } from "node:fs";
      const opened = [];
      try { for (;;) opened.push(openSync("/dev/null")); } catch {}
      const first = await codeOf(large());
      for (const each of opened) closeSync(each);
      console.log(first);
      console.log(await codeOf(large()));
    `;
    const words = ["-c", 'ulimit -n 80; exec "$@"', "sh", process.execPath, "--input-type=module"];
    const { stdout } = await promisify(execFile)("sh", [...words, "--eval", script]);
    expect(stdout).toMatch(/^reader_failed .*EMFILE.*\(ulimit -n\)\nfulfilled\n$/);
  },
);

test("large documents are read one at a time, and after a faulty one the next is read", async () => {
  const processes = watchProcesses();
  const { read } = createReader();
  const outcomes = await Promise.allSettled([
    read(large()),
    read([pageOf("[]", largeBytes)]),
    read(large()),
    read([pageOf(document)]),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
  expect(processes).toMatchObject({ started: 3, most: 1 });
});

test("one that takes long is warned of, and does not hold up the next for ever", async () => {
  const processes = watchProcesses();
  const stopped: ChildProcess[] = [];
  processes.onStart = (child) => {
    if (stopped.push(child) === 1) child.kill("SIGSTOP");
  };
  const clock = new FakeClock();
  const { read, lines } = createReader(clock);
  const stop = new AbortController();
  const stuck = read(large(), stop.signal).catch((error: unknown) => error);
  await expect.poll(() => stopped).toHaveLength(1);
  const next = read(large());
  await clock.advance(9_999);
  expect(processes.started).toBe(1);
  await clock.advance(1);
  await next;
  expect(lines).toMatchObject([{ level: "warn", fields: { environment: "ser.…1234" } }]);
  stop.abort(new Error("asked to end"));
  expect(await stuck).toBe(stop.signal.reason);
  expect(stopped[0]?.signalCode).toBe("SIGKILL");
});

test("an aborted signal ends the process that runs, and starts none of those that wait", async () => {
  const processes = watchProcesses();
  const stop = new AbortController();
  const { read } = createReader();
  const readings = Promise.allSettled([1, 2, 3].map(() => read(large(), stop.signal)));
  await expect.poll(() => processes.started).toBe(1);
  await settle();
  stop.abort(new Error("asked to end"));
  const { reason } = stop.signal;
  expect(await readings).toEqual([1, 2, 3].map(() => ({ status: "rejected", reason })));
  await expect(read([pageOf(document)], stop.signal)).rejects.toBe(reason);
  expect(processes.started).toBe(1);
});

test.skipIf(process.platform !== "linux")("a process does not outlive a proxy that is killed", async () => {
  const script = `${scriptHead}
    import { subscribe } from "node:diagnostics_channel";
    subscribe("child_process", ({ process: child }) => {
      setImmediate(() => {
        child.stdin.write = () => true;
        console.log(child.pid);
      });
    });
    void codeOf([new Uint8Array(3_000_000).fill(0x20)]);
  `;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", script]);
  onTestFinished(() => void parent.kill("SIGKILL"));
  const [line] = await once(parent.stdout, "data");
  const pid = Number(line);
  expect(isRunning(pid)).toBe(true);
  parent.kill("SIGKILL");
  await expect.poll(() => isRunning(pid)).toBe(false);
});

test("a document that needs more memory than there is is too_large, and the process goes on", async () => {
  const script = `${scriptHead}
    const state = '{"feature":{"id":1,"name":"a feature"},"enabled":true,"feature_state_value":1}';
    // Outside the heap, which the reading alone is to fill.
    const read = (states) => codeOf([
      block('{"api_key":"k","project":{},"feature_states":['),
      new Uint8Array(Buffer.alloc(states * (state.length + 1), state + ",")),
      block(state + "]}"),
    ]);
    process.stdout.write((await Promise.all([read(900_000), read(5_000)])).join());
  `;
  const words = ["--max-old-space-size=32", "--input-type=module", "--eval", script];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  expect(stdout).toMatch(/^too_large .* \d+ MiB of heap .*,fulfilled$/);
});

/** The process preloads this code. */
function preload(code: string): void {
  const before = process.env["NODE_OPTIONS"];
  process.env["NODE_OPTIONS"] = `--import=data:text/javascript,${encodeURIComponent(code)}`;
  onTestFinished(() => {
    if (before === undefined) delete process.env["NODE_OPTIONS"];
    else process.env["NODE_OPTIONS"] = before;
  });
}

test("the end of what the process says on standard error is kept as the cause", async () => {
  preload('process.stderr.write("x".repeat(9000) + "its last words"); process.exitCode = 7; process.exit()');
  const { code, message, cause } = await refusalOf(createReader().read(large()));
  expect([code, message]).toEqual(["reader_failed", expect.stringContaining("exit code 7")]);
  const said = cause instanceof Error ? (cause.stack ?? "") : "";
  expect(said).toMatch(/^x+its last words$/);
  expect(said.length).toBeLessThanOrEqual(2048);
});

test("a bug in the process is told with its stack there", async () => {
  preload('Uint32Array.from = () => { throw new TypeError("a planned bug") }');
  const error = await createReader()
    .read(large())
    .catch((each: unknown) => each);
  expect(error).toMatchObject({ name: "Error", cause: { stack: expect.stringMatching("a planned bug") } });
  expect((error as Error & { cause: Error }).cause.stack).toMatch(/at .*override-index\.ts/);
});

test("a document of very many pages is read", async () => {
  const pages = Array.from({ length: 70_000 }, () => [new Uint8Array(Buffer.from("{}"))]);
  const { overrides } = await createReader().read([pageOf(document, largeBytes), ...pages]);
  expect(overrides.starts).toHaveLength(3);
}, 60_000);

test("a program of another build reads nothing, and says what it is", () => {
  const order = `${JSON.stringify({ build: "of last year", pageBytes: [7] })}\n`;
  const { output, status } = spawnSync(process.execPath, [fileURLToPath(sourceUrl("reader-program.ts"))], {
    input: order,
    stdio: ["pipe", "ignore", "ignore", "pipe"],
  });
  expect(JSON.parse(String(output[3]))).toEqual({ otherBuild: expect.any(String) });
  expect(status).toBe(0);
});
