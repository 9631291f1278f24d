/**
 * However far a connection to the upstream comes before it hangs, the attempt ends with its time limit, and
 * the next one is free to succeed (reliability B2).
 */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startDeafUpstream } from "../../support/deaf-upstream.ts";
import { createClient, failureOf } from "../../support/upstream-settings.ts";

const requestTimeoutMs = 1000;
/** Beyond the limit, on the same event loop: whatever holds up one timer holds up the other. */
const lateMs = requestTimeoutMs + 200;
const apiUrl = "https://upstream.test/api/v1";

interface SilentListener extends AsyncDisposable {
  readonly url: string;
  /** How many connections were open at the same time, at most. */
  readonly most: () => number;
}

/** Accepts, and says no more than a sentence. @param sentence in answer to whatever comes first */
async function startSilent(sentence: string | null = null): Promise<SilentListener> {
  let open = 0;
  let most = 0;
  const server = createServer((socket) => {
    open += 1;
    most = Math.max(most, open);
    socket
      .on("error", () => undefined)
      .on("close", () => {
        open -= 1;
      });
    socket.once("data", () => void (sentence !== null && socket.write(sentence))).resume();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    most: () => most,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

/** The codes of so many attempts, one after the other; `late` for one that outlasts its limit. */
async function attempt(settings: Parameters<typeof createClient>[0], count = 3): Promise<string[]> {
  await using client = createClient({ requestTimeoutMs, ...settings });
  const codes: string[] = [];
  for (let done = 0; done < count; done += 1) {
    const failure = failureOf(client.fetchDocument({ serverKey: "ser.one", ifModifiedSince: null }));
    const { code } = await Promise.race([failure, sleep(lateMs, { code: "late" })]);
    codes.push(code);
    await sleep(50);
  }
  return codes;
}

const timeouts = ["timeout", "timeout", "timeout"];

test.concurrent("a connection that is never accepted", async () => {
  await using deaf = await startDeafUpstream();
  expect(await attempt({ apiUrl: deaf.apiUrl })).toEqual(timeouts);
});

test.concurrent("TLS that is never begun", async () => {
  await using silent = await startSilent();
  expect(await attempt({ apiUrl: silent.url.replace("http:", "https:") })).toEqual(timeouts);
  expect(silent.most()).toBe(1);
});

test.concurrent("a forward proxy that never accepts", async () => {
  await using deaf = await startDeafUpstream();
  expect(await attempt({ apiUrl, httpsProxy: new URL(deaf.apiUrl).origin })).toEqual(timeouts);
});

test.concurrent("a forward proxy that never answers CONNECT", async () => {
  await using silent = await startSilent();
  expect(await attempt({ apiUrl, httpsProxy: silent.url })).toEqual(timeouts);
  expect(silent.most()).toBe(1);
});

test.concurrent("TLS in a tunnel that is never begun", async () => {
  await using silent = await startSilent("HTTP/1.1 200 OK\r\n\r\n");
  expect(await attempt({ apiUrl, httpsProxy: silent.url })).toEqual(timeouts);
  expect(silent.most()).toBe(1);
});

test.concurrent("a forward proxy that never answers a GET", async () => {
  await using silent = await startSilent();
  expect(await attempt({ apiUrl: "http://upstream.test/api/v1", httpProxy: silent.url })).toEqual(timeouts);
  expect(silent.most()).toBe(1);
});
