/** Contract A10, B 1.8: the client streams of an environment, to the byte, and who may open one. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { tlsSection } from "../support/certificates.ts";
import { environmentA } from "../support/contract-documents.ts";
import { ask, expectError, serverKey } from "../support/contract-requests.ts";
import { RawConnection, ask as rawAsk, requestText } from "../support/raw-client.ts";
import {
  clientKey,
  demoDocumentText,
  demoDocumentWith,
  serverKey as demoServerKey,
  eventually,
  getFlags,
  type StartProxyOptions,
  startProxy,
} from "../support/running-proxy.ts";
import { StreamClient, servedValue, streamPath } from "../support/stream-client.ts";
import { createTestApp } from "../support/test-app.ts";

/** The demo document with this `updated_at`, and something in it that is new. */
const documentAt = (updated_at: string | null) =>
  demoDocumentWith({ banner_text: updated_at }, { updated_at });

const first = documentAt("2024-04-18T09:36:20.678868+00:00");
const firstEvent = 'event: environment_updated\ndata: {"updated_at": 1713432980.678868}\n\n';

async function start({ document = first, config = {} }: StartProxyOptions = {}) {
  const proxy = await startProxy({ document, config });
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const open = async (path?: string, headers?: readonly string[]) => {
    const client = await StreamClient.open(proxy.port, path, headers);
    onTestFinished(() => client[Symbol.asyncDispose]());
    return client;
  };
  return {
    ...proxy,
    open,
    setDocument: (next: string | object) => proxy.upstream.setDocument(demoServerKey, next),
  };
}

describe("what a stream says", () => {
  it("begins with when to come back and the document's event, and goes on with each new one", async () => {
    const { open, setDocument, url } = await start();
    const client = await open();
    await eventually(() => client.chunks.length === 1);
    expect(client.text).toMatch(/^retry: \d{4}\n\nevent: /);
    expect(client.text.endsWith(firstEvent)).toBe(true);
    setDocument(documentAt("2024-05-01T00:00:00Z"));
    await eventually(() => client.chunks.length === 2);
    // A whole number of seconds has a fraction too: one SDK ignores it otherwise.
    expect(client.chunks[1]).toBe('event: environment_updated\ndata: {"updated_at": 1714521600.0}\n\n');
    expect(await servedValue(url)).toBe("1714521600.0");
    expect(client.events).toEqual(["1713432980.678868", "1714521600.0"]);
  });

  it.each([
    ["has no date", null],
    ["has a date that is none", "soon"],
    ["has a date with an offset", "2024-04-18T11:36:20.5+02:00"],
  ])("is what the answers' header says, where the document %s", async (_, updatedAt) => {
    const { open, setDocument, url } = await start();
    const client = await open();
    setDocument(documentAt(updatedAt));
    await eventually(() => client.events.length === 2);
    expect(client.events[1]).toBe(await servedValue(url));
  });

  it("says nothing of documents that are the same, or that are refused", async () => {
    const { open, setDocument, upstream } = await start();
    const client = await open();
    for (const document of [first, {}, first]) {
      setDocument(document);
      upstream.forgetRequests();
      await eventually(() => upstream.requests().length > 2);
    }
    expect(client.events).toHaveLength(1);
    setDocument(documentAt("2024-05-01T00:00:00Z"));
    await eventually(() => client.events.length > 1);
    expect(client.events).toEqual(["1713432980.678868", "1714521600.0"]);
  });

  it("is kept alive by comments, beyond all limits of requests, and data is in events alone", async () => {
    const server = { headers_timeout_seconds: 0.5, request_timeout_seconds: 0.5, timeout_keep_alive: 0.5 };
    const { open, setDocument } = await start({ config: { server, realtime: { keep_alive_seconds: 0.2 } } });
    const client = await open();
    await eventually(() => client.chunks.length > 12);
    expect(client.chunks.slice(1)).toEqual(client.chunks.slice(1).map(() => ":\n\n"));
    setDocument(documentAt("2024-05-01T00:00:00Z"));
    await eventually(() => client.events.length === 2);
    expect(client.text.match(/data/g)).toHaveLength(2);
    expect(client.connection.isOpen).toBe(true);
  });

  it("ends in order after its lifetime, and not before it", async () => {
    const realtime = { keep_alive_seconds: 0.1, stream_lifetime_seconds: 1 };
    const { open } = await start({ config: { realtime } });
    const client = await open();
    await client.connection.closed();
    expect(client.isEnded).toBe(true);
    // A fifth less at most; each keep-alive but the last one was written.
    expect(client.chunks.length).toBeGreaterThanOrEqual(8);
    expect(client.chunks.length).toBeLessThanOrEqual(10);
  });

  it("tells clients apart: each is to come back after a time of its own", async () => {
    const { open } = await start();
    const clients = await Promise.all(Array.from({ length: 12 }, () => open()));
    await eventually(() => clients.every(({ chunks }) => chunks.length === 1));
    const waits = clients.map(({ text }) => Number(/^retry: (\d+)\n\n/.exec(text)?.[1]));
    expect(new Set(waits).size).toBeGreaterThan(6);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(1000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(5000);
  });

  it("begins without an event where there is no document yet, and tells of the first one", async () => {
    const { open, upstream, url } = await start({ document: null });
    const client = await open();
    expect(client.status).toBe(200);
    await eventually(() => client.chunks.length === 1);
    expect(client.events).toEqual([]);
    expect((await getFlags(url)).status).toBe(503);
    upstream.setDocument(demoServerKey, first);
    await eventually(() => client.events.length === 1);
    expect(client.events).toEqual(["1713432980.678868"]);
  });
});

describe("the answer", () => {
  it("has the headers of a stream that nothing on the way keeps back", async () => {
    const { open } = await start();
    const client = await open(`${streamPath}/?lastEventId=1`, ["Accept-Encoding: gzip, br, zstd"]);
    expect(client.head.replace(/\r\nDate: [^\r]+/, "").split("\r\n")).toEqual([
      "HTTP/1.1 200 OK",
      "content-type: text/event-stream",
      "cache-control: no-cache",
      "x-accel-buffering: no",
      "connection: close",
      "vary: X-Environment-Key, Accept-Encoding",
      "access-control-allow-origin: *",
      "access-control-expose-headers: X-Flagsmith-Document-Updated-At, ETag, Retry-After",
      "Transfer-Encoding: chunked",
    ]);
  });

  it("lets pages of the named origins read it, and no others", async () => {
    const { open } = await start({ config: { allow_origins: ["https://page.test"] } });
    const [own, other] = await Promise.all(
      ["https://page.test", "https://other.test"].map((origin) => open(streamPath, [`Origin: ${origin}`])),
    );
    expect(own?.head).toContain("access-control-allow-origin: https://page.test");
    expect(own?.head).toContain("vary: Origin, X-Environment-Key");
    expect(other?.head).not.toContain("allow-origin");
  });

  it("is 401 for any key but a client key, without haste on a socket", async () => {
    const { open } = await start();
    const keys = ["wrong", demoServerKey, "%20", "a%2Fb", "%zz"];
    const clients = await Promise.all(keys.map((key) => open(`/sse/environments/${key}/stream`)));
    expect(clients.map(({ status }) => status)).toEqual(keys.map(() => 401));
    for (const { head } of clients) expect(head).toContain("access-control-allow-origin: *");
    const { app } = await createTestApp({ environments: [environmentA({ features: [] })] });
    for (const key of ["wrong", serverKey]) {
      const answer = await ask(app, `/sse/environments/${key}/stream`);
      expectError(answer, 401, "unauthorized", `unknown key '${key}'`);
    }
  });

  it("is 403 where the organisation is not served", async () => {
    const { app } = await createTestApp({ environments: [environmentA({ stopped: true })] });
    expectError(await ask(app, "/sse/environments/clientA/stream"), 403, "forbidden");
  });

  it("takes a key with blanks in it, as it is encoded", async () => {
    const config = { environment_key_pairs: [{ client_side_key: "a b", server_side_key: demoServerKey }] };
    const { open } = await start({ document: null, config });
    expect((await open("/sse/environments/a%20b/stream")).status).toBe(200);
  });

  it.each([
    `http://proxy.test${streamPath}`,
    `/sse/x/../environments/${clientKey}/stream`,
    `/sse/environments/./${clientKey}/stream`,
    `/%73se/environments/${clientKey}/stream`,
    `/sse/%65nvironments/${clientKey}/stream`,
    `/sse/environments/${clientKey}/strea%6d?a=b`,
    `${streamPath}#a`,
  ])("to %s, which is spelt otherwise, is that of an unknown path", async (path) => {
    const { port, open } = await start();
    const response = await rawAsk(port, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect([response.status, JSON.parse(response.body)]).toEqual([
      404,
      { status: "not_found", message: "no such route" },
    ]);
    const posted = await rawAsk(port, requestText(`POST ${path}`, [], "{}"));
    expect(posted.status).toBe(404);
    expect((await open()).isEnded).toBe(false);
  });
});

describe("over TLS, and in HTTP/1.0", () => {
  it("many changes in a row reach a client that reads", async () => {
    const { port, setDocument } = await start({ document: null, config: { server: { tls: tlsSection() } } });
    const client = await StreamClient.over(await RawConnection.openSecurely(port));
    onTestFinished(() => client[Symbol.asyncDispose]());
    for (let second = 10; second < 25; second += 1) {
      setDocument(documentAt(`2024-05-01T00:00:${second}Z`));
      await eventually(() => client.events.length === second - 9);
    }
    expect(client.events.at(-1)).toBe("1714521624.0");
    expect(client.connection.isOpen).toBe(true);
  });

  it("a proxy in between that speaks the older version gets the stream without frames", async () => {
    const { port, setDocument } = await start();
    await using connection = await RawConnection.open(port);
    connection.send(`GET ${streamPath} HTTP/1.0\r\n\r\n`);
    await eventually(() => connection.unread.endsWith(firstEvent));
    setDocument(documentAt("2024-05-01T00:00:00Z"));
    await eventually(() => connection.unread.endsWith('"updated_at": 1714521600.0}\n\n'));
    expect(connection.unread).toMatch(/\r\n\r\nretry: \d+\n\nevent: /);
  });
});

describe("limits", () => {
  const retryLater = { status: "overloaded", message: "too many streams are open; see Retry-After" };

  it.each([
    ["environment_streams_max", { environment_streams_max: 2 }],
    ["streams_max", { streams_max: 2 }],
  ])("%s: more than so many are answered 503, until one goes", async (_, realtime) => {
    const { open, port } = await start({ config: { realtime } });
    const clients = [await open(), await open()];
    const refused = await open();
    expect(refused.status).toBe(503);
    expect(refused.head).toContain("retry-after: 10");
    expect(JSON.parse(refused.connection.unread.slice(refused.head.length + 4))).toEqual(retryLater);
    clients[0]?.connection.reset();
    await eventually(async () => {
      const next = await StreamClient.open(port);
      onTestFinished(() => next[Symbol.asyncDispose]());
      return next.status === 200;
    });
    expect(clients[1]?.connection.isOpen).toBe(true);
  });

  it("one environment's streams leave room for another's", async () => {
    const pairs = [
      { client_side_key: clientKey, server_side_key: demoServerKey },
      { client_side_key: "other", server_side_key: "ser.other" },
    ];
    const config = { environment_key_pairs: pairs, realtime: { environment_streams_max: 1 } };
    const { open } = await start({ document: demoDocumentText, config });
    expect([(await open()).status, (await open()).status]).toEqual([200, 503]);
    expect((await open("/sse/environments/other/stream")).status).toBe(200);
  });

  it("a connection has one, however many it asks for", async () => {
    const { open, port } = await start({ config: { realtime: { streams_max: 2 } } });
    await using connection = await RawConnection.open(port);
    connection.send(requestText(`GET ${streamPath}`).repeat(20));
    await eventually(() => connection.unread.includes("retry:"));
    expect((await open()).status).toBe(200);
  });

  it("the rate limit counts them with the other requests of that key", async () => {
    const config = { server: { rate_limit: { requests_per_second: 0.001, burst: 8 } } };
    const { open, url } = await start({ document: null, config });
    const statuses: number[] = [];
    for (let asked = 0; asked < 9; asked += 1) statuses.push((await open()).status);
    expect(statuses).toEqual([...Array.from({ length: 8 }, () => 200), 503]);
    const flags = await getFlags(url);
    expect([flags.status, await flags.text()]).toEqual([503, expect.stringContaining("overloaded")]);
  });

  it("clients that are not allowed get none", async () => {
    const server = { allow_clients: ["10.0.0.0/8"], proxy_headers: true };
    const { open } = await start({ document: null, config: { server } });
    expect((await open(streamPath, ["X-Forwarded-For: 192.0.2.1"])).status).toBe(403);
    expect((await open(streamPath, ["X-Forwarded-For: 10.1.2.3"])).status).toBe(200);
  });

  it("a client that goes, in whatever way, is forgotten", async () => {
    const { open, port } = await start({ config: { realtime: { streams_max: 1 } } });
    const ways = [
      (client: StreamClient) => client.connection.end(),
      (client: StreamClient) => client.connection.reset(),
      (client: StreamClient) => void client.connection.send("no request\r\n\r\n"),
    ];
    for (const go of ways) {
      let client = await open();
      await eventually(async () => {
        if (client.status !== 200) client = await StreamClient.open(port);
        return client.status === 200;
      });
      go(client);
      await client.connection.closed();
      await sleep(20);
    }
    await eventually(async () => (await open()).status === 200);
  });
});
