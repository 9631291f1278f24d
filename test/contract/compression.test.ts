/** Contract A6, A8: gzip, br and zstd bodies hold the same document, each with an ETag of its own. */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { documentText, environmentA, feature, number } from "../support/contract-documents.ts";
import { type Answer, ask, type TestApp } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const features = Array.from({ length: 100 }, (_, index) =>
  feature(index + 1, `feature_${index}`, { value: index % 2 === 0 ? "größe 日本 😀" : number("1.0") }),
);
const paths = ["/api/v1/environment-document/", "/api/v1/flags/"];
const key = "ser.A";
const createApp = async () => (await createTestApp({ environments: [environmentA({ features })] })).app;
const get = (app: TestApp, path: string, accept: string | null, headers: Record<string, string> = {}) =>
  ask(app, path, { key, headers: { ...headers, ...(accept === null ? {} : { "accept-encoding": accept }) } });
const decoders = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };
const codings = ["gzip", "br", "zstd"] as const;

function decode(answer: Answer): string {
  const coding = answer.headers.get("content-encoding");
  if (coding === null) return answer.text;
  return decoders[coding as keyof typeof decoders](answer.bytes).toString("utf8");
}

describe.each(paths)("%s", (path) => {
  it.each(codings)("decodes from %s to the same bytes, and is smaller", async (coding) => {
    const app = await createApp();
    const plain = await get(app, path, null);
    const answer = await get(app, path, coding);
    expect(answer.headers.get("content-encoding")).toBe(coding);
    expect(answer.headers.get("content-length")).toBe(String(answer.bytes.byteLength));
    expect(answer.bytes.byteLength).toBeLessThan(plain.bytes.byteLength);
    expect(decode(answer)).toBe(plain.text);
    for (const name of ["vary", "content-type", "last-modified", "x-flagsmith-document-updated-at"]) {
      expect(answer.headers.get(name)).toBe(plain.headers.get(name));
    }
  });

  it("has another strong ETag for each representation", async () => {
    const app = await createApp();
    const answers = await Promise.all([null, ...codings].map((accept) => get(app, path, accept)));
    const etags = answers.map(({ headers }) => headers.get("etag"));
    expect(new Set(etags).size).toBe(4);
    for (const etag of etags) expect(etag).toMatch(/^"[^"]+"$/);
  });

  it.each(codings)("answers 304 to who holds the %s representation and asks for it again", async (coding) => {
    const app = await createApp();
    const etag = (await get(app, path, coding)).headers.get("etag") ?? "";
    const answer = await get(app, path, coding, { "if-none-match": etag });
    expect([answer.status, answer.text, answer.headers.get("etag")]).toEqual([304, "", etag]);
    expect(answer.headers.has("content-encoding")).toBe(false);
  });

  // RFC 9110 (13.1.2) compares with the selected representation alone.
  it("answers the body to who holds another representation", async () => {
    const app = await createApp();
    const etag = (await get(app, path, "gzip")).headers.get("etag") ?? "";
    expect((await get(app, path, null, { "if-none-match": etag })).status).toBe(200);
    expect((await get(app, path, "gzip", { "if-none-match": etag })).status).toBe(304);
  });

  it("is the same however it was asked for: HEAD has the length and coding of GET", async () => {
    const app = await createApp();
    for (const coding of codings) {
      const got = await get(app, path, coding);
      const head = await ask(app, path, { key, method: "HEAD", headers: { "accept-encoding": coding } });
      expect([...head.headers]).toEqual([...got.headers]);
    }
  });
});

const choices: readonly (readonly [string | null, readonly (string | null)[]])[] = [
  [null, [null]],
  ["", [null]],
  ["identity", [null]],
  ["deflate", [null]],
  ["compress, deflate;q=0.5", [null]],
  ["GZIP", ["gzip"]],
  ["gzip, deflate", ["gzip"]],
  ["deflate, gzip;q=1.0, *;q=0", ["gzip"]],
  ["gzip;q=0", [null]],
  ["gzip;q=0.0, br;q=0.000", [null]],
  ["gzip;q=0.5, br;q=0.9", ["br"]],
  ["br;q=0.5,gzip;q=0.9", ["gzip"]],
  ["zstd;q=0.9 , br;q=0.8 , gzip;q=0.7", ["zstd"]],
  ["br;q=0, gzip", ["gzip"]],
  ["gzip; q=0.001", ["gzip"]],
  ["gzip;Q=0", [null]],
  ["gzip;q=2, br;q=x", [null]],
  ["identity;q=-1", [null]],
  ["identity;q=-1, gzip;q=-0.5", [null]],
  ["gzip, deflate, br, zstd", codings],
  ["*", codings],
  ["gzip;q=0, *", ["br", "zstd"]],
  ["*;q=0.5, br;q=0.1, zstd;q=0.1", ["gzip"]],
  ["*;q=0, zstd", ["zstd"]],
  ["br;q=0, zstd;q=0, *;q=0.1", ["gzip"]],
  ["gzipx, xbr", [null]],
  ["__proto__, constructor", [null]],
  // RFC 9110, 12.5.3: the highest quality is preferred, and here that is none.
  ["identity;q=1, gzip;q=0.5", [null]],
  ["identity, *;q=0.1", [null]],
];

describe.each(paths)("Accept-Encoding on %s", (path) => {
  it.each(choices)("%j chooses one of %j", async (accept, expected) => {
    const app = await createApp();
    const answer = await get(app, path, accept);
    expect(answer.status).toBe(200);
    expect(expected).toContain(answer.headers.get("content-encoding"));
    expect(decode(answer)).toBe((await get(app, path, null)).text);
  });
});

describe("after a swap", () => {
  it("every representation is of the new document", async () => {
    const { app, publish } = await createTestApp({ environments: [environmentA({ features })] });
    const next = documentText({ features: features.toReversed() });
    const before = await Promise.all(
      codings.map((coding) => get(app, "/api/v1/environment-document/", coding)),
    );
    await publish("clientA", next);
    for (const [index, coding] of codings.entries()) {
      const answer = await get(app, "/api/v1/environment-document/", coding);
      expect(decode(answer)).toBe(next);
      expect(answer.headers.get("etag")).not.toBe(before[index]?.headers.get("etag"));
    }
  });
});
