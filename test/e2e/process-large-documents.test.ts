/**
 * Large documents under the whole program: the process that reads one may hang, or be killed. It needs
 * `/proc`.
 */
import { expect, it } from "vitest";
import {
  demoDocumentWith,
  eventually,
  getFlags,
  type ProxyProcess,
  serverKey,
} from "../support/running-proxy.ts";
import { startServing } from "../support/serving-process.ts";
import { childrenOf, isRunning } from "../support/worker-processes.ts";

const largeText = demoDocumentWith({ banner_text: "large ".repeat(60_000) });

interface Reading extends AsyncDisposable {
  readonly proxy: ProxyProcess;
  readonly url: string;
  /** The process that reads the large document; it is stopped. */
  readonly pid: number;
}

/** A proxy that serves the demo document, and whose reading of a large one hangs. */
async function startReading(): Promise<Reading> {
  await using stack = new AsyncDisposableStack();
  const config = { api_poll_timeout_seconds: 20 };
  const { proxy, upstream, url } = stack.use(await startServing({ config }));
  upstream.setDocument(serverKey, largeText);
  const readers = (): number[] => childrenOf(proxy.pid, "reader-program");
  await eventually(() => {
    const [pid] = readers();
    return pid !== undefined && process.kill(pid, "SIGSTOP");
  });
  const [pid = 0] = readers();
  const owned = stack.move();
  return { proxy, url, pid, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

it.skipIf(process.platform !== "linux")(
  "SIGTERM ends a reading that hangs, and the proxy with it",
  async () => {
    await using reading = await startReading();
    expect(isRunning(reading.pid)).toBe(true);
    reading.proxy.kill("SIGTERM");
    expect(await reading.proxy.exit).toEqual({ code: 0, signal: null });
    expect(isRunning(reading.pid)).toBe(false);
    expect(reading.proxy.stdout()).not.toMatch("not refreshed");
  },
);

it.skipIf(process.platform !== "linux")(
  "a reading that is killed is named, and the next one served",
  async () => {
    await using reading = await startReading();
    process.kill(reading.pid, "SIGKILL");
    await eventually(async () => (await (await getFlags(reading.url)).text()).includes("large large"));
    const warnings = reading.proxy.stdout().split("\n");
    expect(warnings.filter((line) => line.includes("not refreshed"))).toEqual([
      expect.stringMatching(/"code":"reader_failed".*killed \(SIGKILL\)/),
    ]);
  },
);
