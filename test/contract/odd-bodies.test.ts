/** Contract A3, reliability E27 to E29, E37 to E40, E46, E48: bodies and headers that are odd or large. */
import { describe, expect, it } from "vitest";
import { environmentA } from "../support/contract-documents.ts";
import { ask, expectError, expectFault, jsonOf } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const path = "/api/v1/identities/";
const bulk = "/api/v1/bulk-identities/";
const createApp = async () => (await createTestApp({ environments: [environmentA()] })).app;
const limitBytes = 262_144;
const bodyOfBytes = (bytes: number) => {
  const start = `{"identifier":"x","padding":"`;
  return `${start}${"p".repeat(bytes - start.length - 2)}"}`;
};

/** Sends 64 KiB as often as they are read. @returns the answer's status, and how often they were */
async function sendEndless(headers: Readonly<Record<string, string>>) {
  const app = await createApp();
  let pulled = 0;
  const body = new ReadableStream({
    pull(controller) {
      pulled += 1;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
  const all = { "x-environment-key": "clientA", ...headers };
  const init = { method: "POST", headers: all, body, duplex: "half" } as RequestInit;
  const { status } = await app.request(new Request(`http://proxy.test${path}`, init));
  return { status, pulled };
}

describe("the limit of a body", () => {
  it("is 256 KiB: that many bytes pass, one more is a 413 that closes the connection", async () => {
    const app = await createApp();
    expect((await ask(app, path, { body: bodyOfBytes(limitBytes) })).status).toBe(200);
    for (const body of [bodyOfBytes(limitBytes + 1), bodyOfBytes(1_000_000)]) {
      for (const route of [path, bulk]) {
        const answer = await ask(app, route, { body });
        expectError(answer, 413, "payload_too_large");
        expect(answer.headers.get("connection")).toBe("close");
      }
    }
  });

  it("believes an announced length that is too long, without reading", async () => {
    const { status, pulled } = await sendEndless({ "content-length": "10000000000" });
    expect(status).toBe(413);
    expect(pulled).toBeLessThanOrEqual(2);
  });

  it("stops to read a body that announced nothing and never ends", async () => {
    const { status, pulled } = await sendEndless({});
    expect(status).toBe(413);
    expect(pulled).toBeLessThanOrEqual(8);
  });

  it("counts bytes, not characters", async () => {
    const app = await createApp();
    const body = `{"identifier":"x","padding":"${"é".repeat(140_000)}"}`;
    expectError(await ask(app, path, { body }), 413, "payload_too_large");
  });
});

describe("a body's headers", () => {
  it.each(["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8", "x", ""])(
    "may say any type: %s",
    async (type) => {
      const app = await createApp();
      const answer = await ask(app, path, { body: `{"identifier":"x"}`, headers: { "content-type": type } });
      expect(jsonOf(answer)).toMatchObject({ identifier: "x" });
    },
  );

  it("may say no type", async () => {
    const app = await createApp();
    const body = new Uint8Array(Buffer.from(`{"identifier":"x"}`));
    expect((await ask(app, path, { body })).status).toBe(200);
  });

  it.each(["gzip", "br", "zstd", "deflate", "GZIP", "x-unknown", "gzip, br"])(
    "may not say Content-Encoding: %s",
    async (encoding) => {
      const app = await createApp();
      for (const route of [path, bulk]) {
        const headers = { "content-encoding": encoding };
        const answer = await ask(app, route, { body: `{"identifier":"x"}`, headers });
        expectError(answer, 415, "unsupported_media_type");
      }
    },
  );

  // Ambiguous: `identity` is no encoding (RFC 9110, 8.4.1). Pinned: it passes.
  it("may say Content-Encoding: identity", async () => {
    const app = await createApp();
    const answer = await ask(app, path, { body: "{}", headers: { "content-encoding": "identity" } });
    expect(answer.status).toBe(200);
  });

  it("may hold names that objects have", async () => {
    const app = await createApp();
    const headers = { __proto__x: "a", constructor: "b", toString: "c", ["__proto__"]: "d" };
    const answer = await ask(app, path, { body: `{"identifier":"x"}`, headers });
    expect(answer.status).toBe(200);
  });

  it("may ask for a range, and gets the whole", async () => {
    const app = await createApp();
    for (const route of ["/api/v1/flags/", `${path}?identifier=x`, "/api/v1/environment-document/"]) {
      const whole = await ask(app, route, { key: "ser.A" });
      const answer = await ask(app, route, { key: "ser.A", headers: { range: "bytes=0-3" } });
      expect(answer.status).toBe(200);
      expect(answer.text).toBe(whole.text);
    }
  });
});

describe("a deeply nested body", () => {
  const deep = (open: string, close: string, core = "") =>
    open.repeat(100_000) + core + close.repeat(100_000);
  const bodies = [
    deep("[", "]"),
    deep("[", "]", "1.0"),
    `{"identifier":${deep("[", "]")}}`,
    `{"identifier":"x","traits":${deep("[", "]")}}`,
    `{"traits":[{"trait_key":"k","trait_value":${deep("[", "]", "1e3")}}]}`,
    `{"data":${deep("[", "]")}}`,
    "[".repeat(200_000),
  ];

  it.each(bodies.map((body, index) => [index, body] as const))("is refused: number %i", async (_, body) => {
    const { app, lines } = await createTestApp({ environments: [environmentA()] });
    const announced = lines.length;
    for (const route of [path, bulk]) {
      const answer = await ask(app, route, { body });
      if (route === path && body.startsWith(`{"data"`)) continue;
      expect([400, 422]).toContain(answer.status);
      expect(answer.status).toBe(body.endsWith("]") || body.endsWith("}") ? 422 : 400);
    }
    expect(lines).toHaveLength(announced);
  });
});

describe("JSON that is odd, but JSON", () => {
  it("may begin with a byte order mark (reliability E39: pinned)", async () => {
    const app = await createApp();
    expect(jsonOf(await ask(app, path, { body: `\ufeff{"identifier":"x"}` }))).toMatchObject({
      identifier: "x",
    });
  });

  it("may have a key twice: the last one wins", async () => {
    const app = await createApp();
    const body = `{"identifier":"a","traits":5,"identifier":"b","traits":[]}`;
    expect(jsonOf(await ask(app, path, { body }))).toMatchObject({ identifier: "b", traits: [] });
  });

  it("may have spaces and escapes anywhere", async () => {
    const app = await createApp();
    const body = ` \r\n\t{ "\\u0069dentifier" : "\\u0078" , "traits" : [ ] } \n`;
    expect(jsonOf(await ask(app, path, { body }))).toMatchObject({ identifier: "x" });
  });

  it("is not answered from what a GET request's own body says", async () => {
    const app = await createApp();
    expectFault(await ask(app, path), ["query", "identifier"]);
  });
});
