/** `server.allow_clients` and `server.rate_limit`, as clients see them. */
import { expect, it } from "vitest";
import { requestPaths } from "../../src/app.ts";
import { prepareCors } from "../../src/cache/cors-headers.ts";
import { settingsFrom } from "../../src/config/load-settings.ts";
import { createAdmission } from "../../src/routes/request-admission.ts";
import { systemClock } from "../../src/services/clock.ts";
import { ask, RawConnection, type RawResponse, requestText } from "../support/raw-client.ts";
import {
  clientKey,
  demoDocumentText,
  eventually,
  type RunningProxy,
  serverKey,
  startProxy,
} from "../support/running-proxy.ts";
import { startWorkers } from "../support/worker-processes.ts";

const health = "/proxy/health/readiness";

/** A proxy with these settings, ready; nothing but health was asked. */
async function startWith(server: object): Promise<RunningProxy> {
  const proxy = await startProxy({ document: null, config: { server } });
  proxy.upstream.setDocument(serverKey, demoDocumentText);
  await eventually(async () => (await fetch(proxy.url + health)).status === 200);
  return proxy;
}

interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly key?: string;
  /** Of `X-Forwarded-For`. */
  readonly from?: string;
}

function questionText({ method = "GET", path = "/api/v1/flags/", key = clientKey, from }: Question): string {
  const forwarded = from === undefined ? [] : [`X-Forwarded-For: ${from}`];
  return requestText(`${method} ${path}`, [`X-Environment-Key: ${key}`, "Origin: https://a.b", ...forwarded]);
}

const status = async ({ port }: RunningProxy, question: Question): Promise<number> =>
  (await ask(port, questionText(question))).status;

function expectRefusal(response: RawResponse, code: number, slug: string): void {
  expect(response.status).toBe(code);
  expect(JSON.parse(response.body)).toEqual({ status: slug, message: expect.any(String) });
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
  expect(response.headers.get("cache-control")).toBe("no-store");
}

it("this machine gets health and nothing else where it is not on the list", async () => {
  await using proxy = await startWith({ allow_clients: ["192.0.2.0/24"] });
  for (const path of ["/health", "/proxy/health/", `${health}?a=b`, "/proxy/health/liveness"]) {
    expect(await status(proxy, { path })).toBe(200);
  }
  for (const path of ["/api/v1/flags/", "/api/v1/identities/?identifier=a", "/none", "/proxy/health/x"]) {
    await using connection = await RawConnection.open(proxy.port);
    const response = await connection.send(questionText({ path })).response();
    expectRefusal(response, 403, "forbidden");
    await connection.closed();
  }
  // Without proxy_headers nobody can say that he is somebody else.
  expect(await status(proxy, { from: "192.0.2.7" })).toBe(403);
});

it("this machine gets all where it is on the list", async () => {
  await using proxy = await startWith({ allow_clients: ["127.0.0.1"] });
  expect(await status(proxy, {})).toBe(200);
});

it("behind a proxy the first address of X-Forwarded-For decides, for health too", async () => {
  const allow_clients = ["192.0.2.0/24", "2001:db8::/32"];
  await using proxy = await startWith({ allow_clients, proxy_headers: true });
  const withPorts = ["192.0.2.7:1234", "192.0.2.7:1234, 10.0.0.1:80", "[2001:db8::7]:443", "[2001:db8::7]"];
  const plain = ["192.0.2.7", "192.0.2.7, 203.0.113.9", "::ffff:192.0.2.7", "2001:db8::7"];
  for (const from of [...plain, ...withPorts]) {
    expect(await status(proxy, { from })).toBe(200);
    expect(await status(proxy, { from, path: health })).toBe(200);
  }
  const strange = ["203.0.113.9", "203.0.113.9, 192.0.2.7", "203.0.113.9:80", "2001:db9::7"];
  for (const from of [...strange, "unknown", "192.0.2.7:", "192.0.2.7:x", "[2001:db9::7]:443"]) {
    for (const path of ["/api/v1/flags/", health]) {
      expectRefusal(await ask(proxy.port, questionText({ from, path })), 403, "forbidden");
    }
  }
  expect(await status(proxy, {})).toBe(403);
});

it("a client has a burst with each key; then it is told when to come again", async () => {
  await using proxy = await startWith({ rate_limit: { requests_per_second: 0.001, burst: 3 } });
  await using kept = await RawConnection.open(proxy.port);
  for (let count = 0; count < 3; count += 1) {
    expect((await kept.send(questionText({})).response()).status).toBe(200);
  }
  const refused = await kept.send(questionText({})).response();
  expectRefusal(refused, 503, "overloaded");
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(900);
  // The connection goes on, and what is not limited is answered.
  expect((await kept.send(questionText({ path: health })).response()).status).toBe(200);
  expect((await kept.send(questionText({ method: "OPTIONS" })).response()).status).toBe(204);
  expect((await kept.send(questionText({ key: serverKey })).response()).status).toBe(200);
  const post = requestText("POST /api/v1/identities/", [`X-Environment-Key: ${clientKey}`], "{}");
  expect((await kept.send(post).response()).status).toBe(503);
  expect((await kept.send(questionText({ key: serverKey })).response()).status).toBe(200);
});

it("made-up keys share one burst, and take nothing from real ones", async () => {
  await using proxy = await startWith({ rate_limit: { requests_per_second: 0.001, burst: 2 } });
  const statuses = [];
  for (const key of ["one", "two", "three", ""]) statuses.push(await status(proxy, { key }));
  expect(statuses).toEqual([401, 401, 503, 503]);
  expect(await status(proxy, {})).toBe(200);
});

it("behind a proxy each forwarded client has a burst; one of IPv6 has one for its network", async () => {
  const rate_limit = { requests_per_second: 0.001, burst: 1 };
  await using proxy = await startWith({ rate_limit, proxy_headers: true });
  const from = ["192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"];
  const statuses = [];
  for (const each of from) statuses.push(await status(proxy, { from: each }));
  expect(statuses).toEqual([200, 200, 503, 200, 503, 200]);
  // Made-up texts are not clients of their own.
  expect([await status(proxy, { from: "x" }), await status(proxy, { from: "y" })]).toEqual([200, 503]);
});

it("a body that may be long is not read behind a refusal", async () => {
  await using proxy = await startWith({ rate_limit: { requests_per_second: 0.001, burst: 1 } });
  await status(proxy, {});
  for (const framing of ["Transfer-Encoding: chunked", "Content-Length: 10737418240"]) {
    await using connection = await RawConnection.open(proxy.port);
    const head = requestText("POST /api/v1/identities/", [`X-Environment-Key: ${clientKey}`, framing]);
    const response = await connection.send(head).response();
    expect([response.status, response.headers.get("connection")]).toEqual([503, "close"]);
    await connection.closed();
  }
});

it("workers know the settings too", async () => {
  const server = { rate_limit: { requests_per_second: 0.001, burst: 1000 }, allow_clients: ["127.0.0.0/8"] };
  await using running = await startWorkers({ config: { server } });
  await using connections = await running.connect(2);
  const answers = await Promise.all(
    connections.all.map(async (each) => {
      let answer = await each.send(questionText({})).response();
      for (let count = 0; count < 1000 && answer.status === 200; count += 1) {
        answer = await each.send(questionText({})).response();
      }
      return answer;
    }),
  );
  for (const answer of answers) expectRefusal(answer, 503, "overloaded");
});

it("where no setting asks for it, nothing stands before the application", () => {
  const listener = () => undefined;
  const { server: settings, limits } = settingsFrom({});
  const cors = prepareCors(["*"]);
  const { health: healthPaths } = requestPaths;
  const { allowClients, proxyHeaders, rateLimit } = settings;
  const admit = createAdmission({
    proxyHeaders,
    healthPaths,
    resolveKey: () => undefined,
    clock: systemClock,
  });
  const rules = { allowClients, rateLimit, bodyBytesMax: limits.bodyBytesMax, cors };
  expect(admit(rules, listener)).toBe(listener);
});
