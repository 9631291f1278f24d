/** TLS authorities and forward proxies, over real sockets. */
import { readFileSync } from "node:fs";
import { afterEach, expect, test, vi } from "vitest";
import { startFaultUpstream } from "../../support/fault-upstream.ts";
import { startForwardProxy } from "../../support/forward-proxy.ts";
import { createClient, failureOf } from "../../support/upstream-settings.ts";

const serverKey = "ser.one";
const whole = { serverKey, ifModifiedSince: null };
// An authority and a certificate for 127.0.0.1, valid until 2126, made by openssl for these tests alone.
const pem = (name: string) =>
  readFileSync(new URL(`../../support/certificates/${name}`, import.meta.url), "utf8");
const tls = { key: pem("server-key.pem"), cert: pem("server.pem") };

afterEach(() => {
  vi.unstubAllEnvs();
});

async function startUpstream(settings: Parameters<typeof startFaultUpstream>[0] = {}) {
  const upstream = await startFaultUpstream(settings);
  upstream.setDocument(serverKey, "{}");
  return upstream;
}

test("a certificate of an unknown authority is a TLS failure, and nothing is sent", async () => {
  await using upstream = await startUpstream({ tls });
  await using client = createClient({ apiUrl: upstream.apiUrl });
  expect(await failureOf(client.fetchDocument(whole))).toMatchObject({ code: "tls_failure" });
  expect(upstream.requests()).toHaveLength(0);
});

test("a certificate of the configured authority is accepted", async () => {
  await using upstream = await startUpstream({ tls });
  await using client = createClient({ apiUrl: upstream.apiUrl, caCertificates: pem("authority.pem") });
  expect(await client.fetchDocument(whole)).toMatchObject({ kind: "document" });
});

test("a certificate for another name is a TLS failure", async () => {
  await using upstream = await startUpstream({ tls });
  const apiUrl = upstream.apiUrl.replace("127.0.0.1", "localhost");
  await using client = createClient({ apiUrl, caCertificates: pem("authority.pem") });
  expect(await failureOf(client.fetchDocument(whole))).toMatchObject({ code: "tls_failure" });
});

test("https to a port that speaks http is a TLS failure", async () => {
  await using upstream = await startUpstream();
  await using client = createClient({ apiUrl: upstream.apiUrl.replace("http:", "https:") });
  expect(await failureOf(client.fetchDocument(whole))).toMatchObject({ code: "tls_failure" });
});

test("http goes through HTTP_PROXY in absolute form, with its credentials", async () => {
  await using upstream = await startUpstream();
  await using proxy = await startForwardProxy();
  await using client = createClient({
    apiUrl: upstream.apiUrl,
    httpProxy: proxy.url.replace("//", "//me:secret@"),
  });
  expect(await client.fetchDocument(whole)).toMatchObject({ kind: "document" });
  expect(proxy.asked).toEqual([`GET ${upstream.apiUrl}/environment-document/`]);
  expect(proxy.credentials).toEqual([`Basic ${btoa("me:secret")}`]);
});

test("https goes through HTTPS_PROXY in a tunnel, where the proxy sees no key", async () => {
  await using upstream = await startUpstream({ tls });
  await using proxy = await startForwardProxy();
  const caCertificates = pem("authority.pem");
  await using client = createClient({ apiUrl: upstream.apiUrl, httpsProxy: proxy.url, caCertificates });
  expect(await client.fetchDocument(whole)).toMatchObject({ kind: "document" });
  expect(proxy.asked).toEqual([`CONNECT ${new URL(upstream.origin).host}`]);
  await using untrusting = createClient({ apiUrl: upstream.apiUrl, httpsProxy: proxy.url });
  expect(await failureOf(untrusting.fetchDocument(whole))).toMatchObject({ code: "tls_failure" });
});

test.each(["127.0.0.1", "*", "example.com, 127.0.0.1"])(
  "NO_PROXY of %s goes past the proxy",
  async (noProxy) => {
    await using upstream = await startUpstream();
    await using proxy = await startForwardProxy();
    await using client = createClient({ apiUrl: upstream.apiUrl, httpProxy: proxy.url, noProxy });
    expect(await client.fetchDocument(whole)).toMatchObject({ kind: "document" });
    expect(proxy.asked).toEqual([]);
  },
);

test("a proxy for the other scheme is not used, as in curl", async () => {
  await using plain = await startUpstream();
  await using secure = await startUpstream({ tls });
  await using proxy = await startForwardProxy();
  const caCertificates = pem("authority.pem");
  await using toPlain = createClient({ apiUrl: plain.apiUrl, httpsProxy: proxy.url });
  await using toSecure = createClient({ apiUrl: secure.apiUrl, httpProxy: proxy.url, caCertificates });
  await toPlain.fetchDocument(whole);
  await toSecure.fetchDocument(whole);
  expect(proxy.asked).toEqual([]);
});

test("the settings decide, not the environment of the process", async () => {
  await using upstream = await startUpstream();
  await using proxy = await startForwardProxy();
  await using wrong = await startForwardProxy(502);
  for (const name of ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"]) vi.stubEnv(name, wrong.url);
  for (const name of ["NO_PROXY", "no_proxy"]) vi.stubEnv(name, "*");
  await using direct = createClient({ apiUrl: upstream.apiUrl });
  expect(await direct.fetchDocument(whole)).toMatchObject({ kind: "document" });
  await using proxied = createClient({ apiUrl: upstream.apiUrl, httpProxy: proxy.url });
  expect(await proxied.fetchDocument(whole)).toMatchObject({ kind: "document" });
  expect([wrong.asked.length, proxy.asked.length]).toEqual([0, 1]);
});

test.each([407, 502])("a proxy that answers %i is no upstream that answers", async (status) => {
  await using plain = await startUpstream();
  await using secure = await startUpstream({ tls });
  await using proxy = await startForwardProxy(status);
  const caCertificates = pem("authority.pem");
  await using toSecure = createClient({ apiUrl: secure.apiUrl, httpsProxy: proxy.url, caCertificates });
  expect(await failureOf(toSecure.fetchDocument(whole))).toMatchObject({ code: "unreachable" });
  await using toPlain = createClient({ apiUrl: plain.apiUrl, httpProxy: proxy.url });
  const { code } = await failureOf(toPlain.fetchDocument(whole));
  expect(code).toBe(status === 407 ? "unreachable" : "server_error");
});

test("a proxy that is down is unreachable", async () => {
  await using upstream = await startUpstream();
  const proxy = await startForwardProxy();
  await proxy[Symbol.asyncDispose]();
  await using client = createClient({ apiUrl: upstream.apiUrl, httpProxy: proxy.url });
  expect(await failureOf(client.fetchDocument(whole))).toMatchObject({ code: "unreachable" });
});

const mutualTls = { ...tls, clientAuthority: pem("client.pem") };
const clientCertificate = { certificate: pem("client.pem"), key: pem("client-key.pem") };
const trusted = { caCertificates: pem("authority.pem") };

test("an upstream that asks for a certificate gets the configured one", async () => {
  await using upstream = await startUpstream({ tls: mutualTls });
  await using client = createClient({ apiUrl: upstream.apiUrl, ...trusted, clientCertificate });
  expect(await client.fetchDocument(whole)).toMatchObject({ kind: "document" });
});

test("without one, or with one of another authority, nothing is sent to such an upstream", async () => {
  await using upstream = await startUpstream({ tls: mutualTls });
  const stranger = { certificate: pem("renewed.pem"), key: pem("renewed-key.pem") };
  for (const shown of [null, stranger]) {
    await using client = createClient({ apiUrl: upstream.apiUrl, ...trusted, clientCertificate: shown });
    // With TLS 1.3 a client is through before the server refuses it: an alert comes, or a reset.
    const { code } = await failureOf(client.fetchDocument(whole));
    expect(["tls_failure", "connection_lost"]).toContain(code);
  }
  expect(upstream.requests()).toHaveLength(0);
});

test("the certificate goes to the upstream through the tunnel of a forward proxy", async () => {
  await using upstream = await startUpstream({ tls: mutualTls });
  await using proxy = await startForwardProxy();
  const settings = { apiUrl: upstream.apiUrl, httpsProxy: proxy.url, ...trusted };
  await using client = createClient({ ...settings, clientCertificate });
  expect(await client.fetchDocument(whole)).toMatchObject({ kind: "document" });
  expect(proxy.asked).toEqual([`CONNECT ${new URL(upstream.origin).host}`]);
});
