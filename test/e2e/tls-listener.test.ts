/** The listener over TLS: the same answers, limits and drain as without. */
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, expect, it } from "vitest";
import { pem, tlsSection } from "../support/certificates.ts";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import { ask, RawConnection, requestText } from "../support/raw-client.ts";
import {
  clientKey,
  configFor,
  demoDocumentText,
  eventually,
  getFlags,
  postIdentity,
  runCommand,
  serverKey,
  startProxy,
  startProxyProcess,
} from "../support/running-proxy.ts";

const key = `X-Environment-Key: ${clientKey}`;
const good = requestText("GET /api/v1/flags/", [key]);
const limits = { headers_timeout_seconds: 0.3, request_timeout_seconds: 0.6 };

setDefaultCACertificates([...getCACertificates(), pem("authority.pem")]);
const proxy = await startProxy({ config: { server: { tls: tlsSection(), ...limits } } });
afterAll(() => proxy[Symbol.asyncDispose]());

it("answers are those of a plain listener", async () => {
  await using plain = await startProxy();
  expect(proxy.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  for (const each of [serverKey, clientKey, "unknown", ""]) {
    const [answer, wanted] = await Promise.all([getFlags(proxy.url, each), getFlags(plain.url, each)]);
    expect(answer.status).toBe(wanted.status);
    expect(await answer.text()).toBe(await wanted.text());
    expect(answer.headers.get("etag")).toBe(wanted.headers.get("etag"));
  }
  const [answer, wanted] = await Promise.all([
    postIdentity(proxy.url, { identifier: "bob" }),
    postIdentity(plain.url, { identifier: "bob" }),
  ]);
  expect(await answer.text()).toBe(await wanted.text());
});

it("the log says where it listens, by https", () => {
  const line = proxy.lines.find(({ message }) => message === "Listening");
  expect(line?.fields).toMatchObject({ url: proxy.url });
});

it("who speaks plain HTTP is closed without an answer of ours", async () => {
  await using connection = await RawConnection.open(proxy.port);
  await connection.send(good).closed();
  expect(connection.unread).not.toContain("200");
  expect((await getFlags(proxy.url)).status).toBe(200);
});

it("TLS 1.1 is refused, TLS 1.2 and 1.3 are not", async () => {
  const opened = async (version: "TLSv1.1" | "TLSv1.2" | "TLSv1.3") => {
    const ciphers = "DEFAULT:@SECLEVEL=0";
    const options = { minVersion: version, maxVersion: version, ciphers };
    await using connection = await RawConnection.openSecurely(proxy.port, options);
    return (await connection.send(good).response()).status;
  };
  await expect(opened("TLSv1.1")).rejects.toThrow(/protocol version/i);
  expect(await Promise.all([opened("TLSv1.2"), opened("TLSv1.3")])).toEqual([200, 200]);
});

it("with a minimum of TLS 1.3, TLS 1.2 is refused", async () => {
  const tls = { ...tlsSection(), minimum_version: "TLSv1.3" };
  await using strict = await startProxy({ config: { server: { tls } } });
  const old = RawConnection.openSecurely(strict.port, { maxVersion: "TLSv1.2" });
  await expect(old).rejects.toThrow(/protocol version/i);
  expect((await getFlags(strict.url)).status).toBe(200);
});

it.concurrent("who connects and begins no handshake is closed", async () => {
  await using silent = await RawConnection.open(proxy.port);
  await silent.closed();
});

it.concurrent("who drips headers is closed", async () => {
  await using connection = await RawConnection.openSecurely(proxy.port);
  await connection.send("GET /api/v1/flags/ HTTP/1.1\r\nHost: proxy\r\nX-Slow: ").closed();
});

it.concurrent("a body over the limit is 413 and closed", async () => {
  await using connection = await RawConnection.openSecurely(proxy.port);
  const body = `{"identifier":"${"a".repeat(300_000)}"}`;
  const response = await connection.send(requestText("POST /api/v1/identities/", [key], body)).response();
  expect([response.status, response.headers.get("connection")]).toEqual([413, "close"]);
  await connection.closed();
});

it.concurrent("a drain answers what is in flight, waits for no handshake, and exits 0", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentText);
  const server = { tls: tlsSection(), host: "127.0.0.1", port: 0, drain_delay_seconds: 0 };
  const config = configFor(upstream, { server });
  await using running = startProxyProcess({ config });
  const url = await running.url();
  await eventually(async () => (await getFlags(url)).status === 200);
  await using slow = await RawConnection.openSecurely(Number(new URL(url).port));
  const body = '{"identifier":"alice"}';
  const headers = [key, `Content-Length: ${body.length}`, "Expect: 100-continue"];
  slow.send(requestText("POST /api/v1/identities/", headers));
  expect((await slow.response()).status).toBe(100);
  running.kill("SIGTERM");
  await eventually(() => running.stdout().includes("Draining"));
  const answer = await slow.send(body).response();
  expect([answer.status, answer.headers.get("connection")]).toEqual([200, "close"]);
  expect(await running.exit).toEqual({ code: 0, signal: null });
});

it.concurrent("the command health asks a proxy by TLS, however old its certificate is", async () => {
  await using expired = await startProxy({
    config: { server: { tls: tlsSection("expired") } },
    document: null,
  });
  const config = { server: { host: "127.0.0.1", port: expired.port, tls: tlsSection("expired") } };
  // A probe finds the proxy also where the files of the certificate are gone since.
  const gone = { ...config, server: { ...config.server, tls: { certificate_file: "no", key_file: "no" } } };
  const commands = [
    { words: ["health", "--liveness"], config },
    { words: ["health", "--liveness"], config: gone },
    { words: ["health", "--url", `${expired.url}/proxy/health/liveness`] },
  ];
  for (const { code, stdout, stderr } of await Promise.all(commands.map(runCommand))) {
    expect(stderr).toBe("");
    expect(stdout).toContain(`${expired.url}/proxy/health/liveness: 200`);
    expect(code).toBe(0);
  }
});

it.concurrent("the port of a plain listener gives no TLS", async () => {
  await using plain = await startProxy({ document: null });
  await expect(RawConnection.openSecurely(plain.port)).rejects.toThrow();
  expect((await ask(plain.port, requestText("GET /proxy/health/liveness"))).status).toBe(200);
});
