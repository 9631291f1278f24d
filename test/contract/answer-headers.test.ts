/** Contract A8, trap 33: the headers of answers, one folded `Vary`, and which may be read by pages. */
import { describe, expect, it } from "vitest";
import { documentText, environmentA, feature } from "../support/contract-documents.ts";
import { ask, type Question } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const features = [feature(1, "one", { value: "v".repeat(3000) })];
const updatedAtHeader = "x-flagsmith-document-updated-at";
const seconds = "1713428180.678868";
type Asked = readonly (readonly [string, Question])[];

const dated: Asked = [
  ["/api/v1/flags/", {}],
  ["/api/v1/flags?feature=", {}],
  ["/api/v1/identities/?identifier=x", {}],
  ["/api/v1/identities/?identifier=x&feature=one", {}],
  ["/api/v1/identities/", { body: { identifier: "x" } }],
  ["/api/v1/identities/", { body: {} }],
  ["/api/v1/bulk-identities/", { body: { data: [{}] } }],
  ["/api/v1/environment-document/", { key: "ser.A" }],
];
const others: Asked = [
  ["/api/v1/flags/?feature=one", {}],
  ["/api/v1/flags/?feature=nope", {}],
  ["/api/v1/flags/", { key: "wrong" }],
  ["/api/v1/flags/", { key: null }],
  ["/api/v1/flags/", { method: "DELETE" }],
  ["/api/v1/identities/", {}],
  ["/api/v1/identities/", { body: "{" }],
  ["/nope", {}],
  ["/health", {}],
];
const createApp = async (allowOrigins?: readonly string[]) => {
  const origins = allowOrigins === undefined ? {} : { allowOrigins };
  return (await createTestApp({ environments: [environmentA({ features })], ...origins })).app;
};

describe("X-Flagsmith-Document-Updated-At", () => {
  it.each(dated)("is the document's time in seconds with a fraction on %s %j", async (path, question) => {
    const answer = await ask(await createApp(), path, question);
    expect(answer.status).toBe(200);
    expect(answer.headers.get(updatedAtHeader)).toBe(seconds);
    expect(answer.headers.get("access-control-expose-headers")).toMatch(/X-Flagsmith-Document-Updated-At/i);
    expect(answer.headers.get("access-control-expose-headers")).toMatch(/ETag/i);
  });

  it.each(others)("is not on %s %j", async (path, question) => {
    const answer = await ask(await createApp(), path, question);
    expect(answer.headers.has(updatedAtHeader)).toBe(false);
  });

  it("is on a 304 too", async () => {
    const headers = { "if-none-match": "*" };
    const answer = await ask(await createApp(), "/api/v1/flags/", { headers });
    expect([answer.status, answer.headers.get(updatedAtHeader)]).toEqual([304, seconds]);
  });

  it.each([
    ["2024-04-18T08:16:20.678868Z", "1713428180.678868"],
    ["2024-04-18T08:16:20.678868+00:00", "1713428180.678868"],
    ["2024-04-18T10:16:20.678868+02:00", "1713428180.678868"],
    ["2024-04-18T08:16:20.678868", "1713428180.678868"],
    ["2024-04-18T08:16:20Z", "1713428180.0"],
    ["2024-04-18T08:16:20.000001Z", "1713428180.000001"],
    ["2024-04-18T08:16:20.5Z", "1713428180.5"],
    ["2024-04-18 08:16:20.120000+0000", "1713428180.12"],
  ])("reads %s as %s", async (updatedAt, expected) => {
    const { app } = await createTestApp({ environments: [environmentA({ updatedAt })] });
    const answer = await ask(app, "/api/v1/flags/");
    expect(answer.headers.get(updatedAtHeader)).toBe(expected);
  });

  it.each([null, "yesterday", ""])(
    "is a number with a fraction even where the document says %j",
    async (updatedAt) => {
      for (const lastModified of ["Thu, 18 Apr 2024 08:16:20 GMT", null, "nonsense"]) {
        const environment = { ...environmentA(), document: documentText({ updatedAt }), lastModified };
        const { app } = await createTestApp({ environments: [environment] });
        const answer = await ask(app, "/api/v1/flags/");
        expect(answer.headers.get(updatedAtHeader)).toMatch(/^\d+\.\d+$/);
      }
    },
  );
});

describe("Vary", () => {
  const all: Asked = [...dated, ...others, ["/api/v1/flags/", { headers: { "if-none-match": "*" } }]];

  it.each(all)("is one line with the key and the encoding on %s %j", async (path, question) => {
    for (const allowOrigins of [["*"], ["https://app.example.com"]]) {
      const app = await createApp(allowOrigins);
      for (const accept of ["identity", "gzip"]) {
        const headers = { ...question.headers, "accept-encoding": accept };
        const answer = await ask(app, path, { ...question, headers });
        const names = answer.headers
          .get("vary")
          ?.split(",")
          .map((each) => each.trim().toLowerCase());
        expect(names).toEqual(expect.arrayContaining(["x-environment-key", "accept-encoding"]));
        expect(new Set(names).size).toBe(names?.length);
        expect([...answer.headers].filter(([name]) => name === "vary")).toHaveLength(1);
      }
    }
  });
});

describe("every answer", () => {
  it.each([...dated, ...others])("tells its type and its length in bytes: %s %j", async (path, question) => {
    const answer = await ask(await createApp(), path, question);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    expect(answer.headers.get("content-length")).toBe(String(answer.bytes.byteLength));
  });

  it("tells its length in bytes where characters take several", async () => {
    const { app } = await createTestApp({
      environments: [environmentA({ features: [feature(1, "größe 😀", { value: "日本" })] })],
    });
    const questions: Asked = [
      ["/api/v1/flags/", {}],
      ["/api/v1/flags/?feature=nö", {}],
      ["/api/v1/identities/", { body: { identifier: "ключ" } }],
      ["/api/v1/environment-document/", { key: "ser.A" }],
    ];
    for (const [path, question] of questions) {
      const answer = await ask(app, path, question);
      expect(answer.headers.get("content-length")).toBe(String(answer.bytes.byteLength));
    }
  });

  it.each([...dated, ...others])("shows no partner key and no software: %s %j", async (path, question) => {
    const key = question.key === undefined ? "clientA" : question.key;
    const answer = await ask(await createApp(), path, question);
    const shown = `${answer.text}${JSON.stringify([...answer.headers])}`;
    if (key !== "ser.A") expect(shown).not.toContain("ser.A");
    expect(answer.headers.has("server")).toBe(false);
    expect(answer.headers.has("x-powered-by")).toBe(false);
  });
});
