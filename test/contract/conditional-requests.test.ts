/** Contract A6, A8: ETags, 304, and when there is none. */
import { describe, expect, it } from "vitest";
import { documentText, environmentA, feature } from "../support/contract-documents.ts";
import { ask, type TestApp } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const lastModified = "Thu, 18 Apr 2024 08:16:20 GMT";
const features = [
  feature(1, "one", { value: "v".repeat(3000) }),
  feature(2, "two", { value: "V".repeat(3000) }),
];
const createWhole = () => createTestApp({ environments: [{ ...environmentA({ features }), lastModified }] });
const createApp = async () => (await createWhole()).app;
const documentPath = "/api/v1/environment-document/";
const tagged = [
  "/api/v1/flags",
  "/api/v1/flags/?feature=one",
  "/api/v1/identities?identifier=x",
  "/api/v1/identities/?identifier=x&feature=two",
  documentPath,
];
const key = "ser.A";
const etagOf = async (app: TestApp, path: string, headers = {}, as = key) =>
  (await ask(app, path, { key: as, headers })).headers.get("etag") ?? "";

describe.each(tagged)("%s", (path) => {
  it("has a strong ETag that stays the same", async () => {
    const app = await createApp();
    const etag = await etagOf(app, path);
    expect(etag).toMatch(/^"[!#-~]+"$/);
    expect(await etagOf(app, path)).toBe(etag);
    expect(await etagOf(await createApp(), path)).toBe(etag);
  });

  it("answers 304 without a body to who holds it, with the same ETag and Vary", async () => {
    const app = await createApp();
    const whole = await ask(app, path, { key });
    const etag = whole.headers.get("etag") ?? "";
    for (const held of [etag, `W/${etag}`, `"a", ${etag}`, `"a",W/"b" ,${etag},"c"`, ` ${etag} `, "*"]) {
      const answer = await ask(app, path, { key, headers: { "if-none-match": held } });
      expect([answer.status, answer.text]).toEqual([304, ""]);
      for (const name of ["etag", "vary", "cache-control", "access-control-allow-origin"]) {
        expect(answer.headers.get(name)).toBe(whole.headers.get(name));
      }
    }
  });

  it("says nothing of a body where none comes", async () => {
    const app = await createApp();
    const answer = await ask(app, path, { key, headers: { "if-none-match": "*" } });
    for (const name of ["content-type", "content-length"]) expect(answer.headers.get(name)).toBeNull();
  });

  it("answers 200 to who holds something else", async () => {
    const app = await createApp();
    const etag = await etagOf(app, path);
    const inner = etag.slice(1, -1);
    const other = [
      `"other"`,
      inner,
      `"${inner}x"`,
      `"x${inner}"`,
      `"${inner.toUpperCase()}x"`,
      `""`,
      "",
      "W/",
      `"*"`,
    ];
    for (const held of other) {
      const answer = await ask(app, path, { key, headers: { "if-none-match": held } });
      expect([held, answer.status]).toEqual([held, 200]);
    }
  });

  it("answers 200 to who asks no condition", async () => {
    const app = await createApp();
    for (let turn = 0; turn < 3; turn += 1) expect((await ask(app, path, { key })).status).toBe(200);
  });
});

describe.each(tagged)("%s", (path) => {
  it("answers 401 to a wrong key, whatever it holds", async () => {
    const app = await createApp();
    const etag = await etagOf(app, path);
    for (const held of ["*", etag]) {
      expect((await ask(app, path, { key: "wrong", headers: { "if-none-match": held } })).status).toBe(401);
    }
  });

  it("changes its ETag with the document, and then answers 200", async () => {
    const { app, publish } = await createWhole();
    const etag = await etagOf(app, path);
    await publish("clientA", documentText({ features, updatedAt: "2024-04-19T00:00:00Z" }), lastModified);
    expect(await etagOf(app, path)).not.toBe(etag);
    expect((await ask(app, path, { key, headers: { "if-none-match": etag } })).status).toBe(200);
  });
});

describe("ETags of GET identities", () => {
  it("differ with identifier, feature, view and environment", async () => {
    const environmentB = {
      clientSideKey: "clientB",
      serverSideKey: "ser.B",
      document: documentText({ key: "b" }),
    };
    const { app } = await createTestApp({ environments: [environmentA({ features }), environmentB] });
    const path = "/api/v1/identities/?identifier=";
    const etags = [
      await etagOf(app, `${path}x`),
      await etagOf(app, `${path}y`),
      await etagOf(app, `${path}x&feature=one`),
      await etagOf(app, `${path}x&feature=two`),
      await etagOf(app, `${path}x`, {}, "clientA"),
      await etagOf(app, `${path}x`, {}, "ser.B"),
    ];
    expect(new Set(etags).size).toBe(etags.length);
    expect(etags).not.toContain("");
  });
});

describe("ETags of flags", () => {
  it("of one view are not current in the other", async () => {
    const { app } = await createTestApp({ environments: [environmentA({ features, serverOnly: [2] })] });
    const ofServer = await etagOf(app, "/api/v1/flags/");
    const answer = await ask(app, "/api/v1/flags/", { headers: { "if-none-match": ofServer } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("etag")).not.toBe(ofServer);
  });
});

describe("POST", () => {
  it("never answers 304, and has no ETag", async () => {
    const app = await createApp();
    for (const [path, body] of [
      ["/api/v1/identities/", { identifier: "x" }],
      ["/api/v1/bulk-identities/", { data: [{ identifier: "x" }] }],
    ] as const) {
      const headers = { "if-none-match": "*", "if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT" };
      for (let turn = 0; turn < 2; turn += 1) {
        const answer = await ask(app, path, { body, headers });
        expect(answer.status).toBe(200);
        expect(answer.headers.has("etag")).toBe(false);
      }
    }
  });

  it("is not answered 304 for an ETag that GET gave", async () => {
    const app = await createApp();
    const etag = await etagOf(app, "/api/v1/identities/?identifier=x");
    const answer = await ask(app, "/api/v1/identities/", {
      body: { identifier: "x" },
      headers: { "if-none-match": etag },
    });
    expect(answer.status).toBe(200);
  });
});

describe("If-Modified-Since on the document", () => {
  const statusFor = async (headers: Record<string, string>) =>
    (await ask(await createApp(), documentPath, { key, headers })).status;

  it("answers 304 from the time of the document on, and 200 before", async () => {
    expect(await statusFor({ "if-modified-since": lastModified })).toBe(304);
    expect(await statusFor({ "if-modified-since": "Thu, 18 Apr 2024 08:16:21 GMT" })).toBe(304);
    expect(await statusFor({ "if-modified-since": "Thu, 18 Apr 2024 08:16:19 GMT" })).toBe(200);
  });

  it("is ignored where it is no date", async () => {
    const noDates = ["", "nonsense", "*", "Thu, 99 Apr 2024 08:16:20 GMT", "2100", "2100-06-01", "June 2100"];
    for (const value of noDates) {
      expect(await statusFor({ "if-modified-since": value })).toBe(200);
    }
  });

  it("does not count beside If-None-Match", async () => {
    expect(await statusFor({ "if-modified-since": lastModified, "if-none-match": `"other"` })).toBe(200);
    const old = "Thu, 18 Apr 1990 08:16:19 GMT";
    expect(await statusFor({ "if-modified-since": old, "if-none-match": "*" })).toBe(304);
  });

  it("answers 304 with Last-Modified and ETag", async () => {
    const app = await createApp();
    const answer = await ask(app, documentPath, { key, headers: { "if-modified-since": lastModified } });
    expect(answer.headers.get("last-modified")).toBe(lastModified);
    expect(answer.headers.get("etag")).toBe(await etagOf(app, documentPath));
  });
});
