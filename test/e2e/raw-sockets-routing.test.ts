/** Keys, paths, methods and queries on raw sockets, byte by byte as no HTTP client would send them. */
import { afterAll, describe, expect, it } from "vitest";
import { ask, askUntilClosed, RawConnection, requestText } from "../support/raw-client.ts";
import { clientKey, demoDocumentText, serverKey, startProxy } from "../support/running-proxy.ts";

const proxy = await startProxy();
afterAll(() => proxy[Symbol.asyncDispose]());

const key = `X-Environment-Key: ${clientKey}`;
const ofServer = `X-Environment-Key: ${serverKey}`;

async function expectOthersServed(): Promise<void> {
  expect((await ask(proxy.port, requestText("GET /api/v1/flags/", [key]))).status).toBe(200);
}

const get = async (path: string, headers: readonly string[] = [key]) => {
  const response = await ask(proxy.port, requestText(`GET ${path}`, headers));
  await expectOthersServed();
  return response;
};

describe.each(["/api/v1/flags", "/api/v1/identities?identifier=a", "/api/v1/environment-document"])(
  "GET %s",
  (path) => {
    it.each([
      ["E1 no key", []],
      ["E1 a wrong key", ["X-Environment-Key: wrong"]],
      ["E1 an empty key", ["X-Environment-Key:"]],
      ["E2 two different keys", [ofServer, "X-Environment-Key: other"]],
      ["E2 the same key twice", [ofServer, ofServer]],
      ["E4 a key with 0xFF", ["X-Environment-Key: \xff\xfe"]],
      ["E4 a key of 15 kB", [`X-Environment-Key: ${"k".repeat(15_000)}`]],
    ])("%s is 401, in the shape of all errors, with CORS headers", async (_name, headers) => {
      const response = await get(path, [...headers, "Origin: https://page.example"]);
      expect(response.status).toBe(401);
      expect(JSON.parse(response.body)).toMatchObject({
        status: "unauthorized",
        message: expect.any(String),
      });
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(response.body.length).toBeLessThan(600);
    });
  },
);

it("E3 a client key never gets the environment document", async () => {
  const response = await get("/api/v1/environment-document/");
  expect(response.status).toBe(401);
  expect(response.body).not.toContain("segments");
  expect(response.body).not.toContain(serverKey);
});

it("POST routes authenticate before they read the body", async () => {
  for (const path of ["identities", "bulk-identities"]) {
    const request = requestText(`POST /api/v1/${path}/`, ["X-Environment-Key: wrong"], "not JSON");
    expect((await ask(proxy.port, request)).status).toBe(401);
  }
  await expectOthersServed();
});

it.each(["PUT", "DELETE", "TRACE", "PATCH"])(
  "E14 %s on a known path is 405 and says what is allowed",
  async (method) => {
    const paths = { "/api/v1/flags/": "GET", "/api/v1/bulk-identities": "POST", "/proxy/health/": "GET" };
    for (const [path, allowed] of Object.entries(paths)) {
      const response = await ask(proxy.port, requestText(`${method} ${path}`, [key]));
      expect([path, response.status]).toEqual([path, 405]);
      expect(response.headers.get("allow")).toContain(allowed);
    }
    await expectOthersServed();
  },
);

it.each([
  ["E17", "/api/v1/%zz"],
  ["E17", "/api/v1/flags%ff"],
  ["E17", "/%ff"],
  ["E18", "/api//v1/flags/"],
  ["E18", "/API/v1/flags/"],
  ["E18", "//api/v1/flags/"],
  ["", "/"],
  ["", "/api/v1/flags/more"],
  ["", "/api/v1/flags//"],
])("%s GET %s is 404", async (_row, path) => {
  const response = await get(path);
  expect(response.status).toBe(404);
  expect(JSON.parse(response.body)).toMatchObject({ status: "not_found" });
});

it.each(["/api/v1/x/../flags/", "/api/v1/x/%2e%2e/flags/", "/x/../api/v1/environment-document/../flags"])(
  "E19 %s is authorised as what it means",
  async (path) => {
    expect((await get(path)).status).toBe(200);
    expect((await get(path, [])).status).toBe(401);
  },
);

it("E19 no spelling of the document's path opens it to a client key", async () => {
  for (const path of ["/api/v1/flags/../environment-document", "/api/v1/%65nvironment-document/"]) {
    expect((await get(path)).status).toBe(401);
    const asServer = await get(path, [ofServer]);
    expect([asServer.status, asServer.body]).toEqual([200, demoDocumentText]);
  }
});

it.each([
  ["/api/v1/flags", key],
  ["/api/v1/identities", key],
  ["/api/v1/environment-document", ofServer],
  ["/health", ""],
  ["/proxy/health", ""],
  ["/proxy/health/readiness", ""],
  ["/proxy/health/liveness", ""],
])("E20 %s answers 200 with and without a trailing slash, and HEAD like GET", async (path, header) => {
  for (const slash of ["", "/"]) {
    const target = `${path}${slash}${path.endsWith("identities") ? "?identifier=a" : ""}`;
    const headers = header === "" ? [] : [header];
    expect([target, (await get(target, headers)).status]).toEqual([target, 200]);
    await using connection = await RawConnection.open(proxy.port);
    const head = await connection.send(requestText(`HEAD ${target}`, headers)).response({ isHead: true });
    expect([target, head.status]).toEqual([target, 200]);
  }
});

it.each(["__proto__", "constructor", "toString", "a".repeat(8000), "%ff", "no_such_feature"])(
  "E21 a feature that is not there is 404, on flags and on identities",
  async (name) => {
    for (const path of [
      `/api/v1/flags/?feature=${name}`,
      `/api/v1/identities/?identifier=a&feature=${name}`,
    ]) {
      const response = await get(path);
      expect(response.status).toBe(404);
      expect(JSON.parse(response.body)).toMatchObject({ status: "not_found" });
    }
  },
);

it("E21 an empty feature means all flags", async () => {
  expect((await get("/api/v1/flags/?feature=")).body).toBe((await get("/api/v1/flags/")).body);
});

it("E22 of two features the first one counts", async () => {
  const response = await get("/api/v1/flags/?feature=max_items&feature=banner_text");
  expect(JSON.parse(response.body)).toMatchObject({ feature: { name: "max_items" } });
});

it.each(["", "?", "?identifier=", "?identifier", "?IDENTIFIER=a", "?#identifier=a"])(
  "E23 GET identities%s lacks an identifier and is 422",
  async (query) => {
    const response = await get(`/api/v1/identities/${query}`);
    expect(response.status).toBe(422);
    expect(JSON.parse(response.body)).toMatchObject({ detail: [{ loc: ["query", "identifier"] }] });
  },
);

it.each(["%ff", "%zz"])("E24 the identifier %s, which is no UTF-8, is refused", async (sent) => {
  const response = await get(`/api/v1/identities/?identifier=${sent}`);
  expect(response.status).toBe(422);
});

it("what stands behind a number sign is no query, whatever was asked before", async () => {
  const targets = ["flags#?feature=banner_text", "flags?feature=banner_text", "flags#?feature=banner_text"];
  const answers = await Promise.all(targets.map((target) => get(`/api/v1/${target}`)));
  expect(answers.map(({ body }) => Array.isArray(JSON.parse(body)))).toEqual([true, false, true]);
});

it("a body in chunks of something else is refused", async () => {
  const headers = [key, "Transfer-Encoding: gzip, chunked"];
  const request = `${requestText("POST /api/v1/identities/", headers)}2\r\n{}\r\n0\r\n\r\n`;
  expect((await ask(proxy.port, request)).status).toBe(415);
});

it("an absolute request target is served whatever host it names", async () => {
  const request = requestText("GET http://elsewhere.example/api/v1/flags/", [key]);
  expect((await ask(proxy.port, request)).status).toBe(200);
  await expectOthersServed();
});

it("a client that asks to close is closed", async () => {
  const request = requestText("GET /api/v1/flags/", [key, "Connection: close"]);
  expect((await askUntilClosed(proxy.port, request)).headers.get("connection")).toBe("close");
});
