/** Contract A7: the health routes: who may ask, which code, and that nothing of them is kept. */
import { describe, expect, it } from "vitest";
import { environmentA } from "../support/contract-documents.ts";
import { ask } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const readiness = ["/health", "/health/", "/proxy/health", "/proxy/health/", "/proxy/health/readiness/"];
const liveness = ["/proxy/health/liveness", "/proxy/health/liveness/"];
const ok = {
  status: "ok",
  reason: null,
  last_successful_update: "2024-04-18T08:16:20.000Z",
  environments: [],
} as const;
const failing = { ...ok, status: "error", reason: "environment document(s) stale." } as const;

describe.each(readiness)("%s", (path) => {
  it("answers 200 or 503 with the whole report, without a key", async () => {
    let report: typeof ok | typeof failing = ok;
    const { app } = await createTestApp({ environments: [environmentA()], reportHealth: () => report });
    for (const key of [null, "wrong", "clientA"]) {
      for (const each of [ok, failing]) {
        report = each;
        const answer = await ask(app, path, { key });
        expect(answer.status).toBe(each === ok ? 200 : 503);
        expect(answer.text).toBe(JSON.stringify(each));
        expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
      }
    }
  });

  it("never answers 304, and forbids to keep it", async () => {
    const { app } = await createTestApp({ environments: [environmentA()], reportHealth: () => ok });
    const answer = await ask(app, path, { key: null, headers: { "if-none-match": "*" } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.has("etag")).toBe(false);
  });
});

describe.each(liveness)("%s", (path) => {
  it("answers 200 and an empty body while the process serves, whatever documents are", async () => {
    const unloaded = { clientSideKey: "c", serverSideKey: "ser.c", document: null };
    const { app } = await createTestApp({ environments: [unloaded], reportHealth: () => failing });
    for (const key of [null, "wrong", "c"]) {
      const answer = await ask(app, path, { key });
      expect([answer.status, answer.text]).toEqual([200, ""]);
      expect(answer.headers.get("content-length")).toBe("0");
    }
  });

  it("does not look at the report", async () => {
    const reportHealth = () => {
      throw new Error("not to be asked");
    };
    const { app } = await createTestApp({ environments: [], reportHealth });
    expect((await ask(app, path, { key: null })).status).toBe(200);
  });
});

describe("a bug", () => {
  it("answers 500 in the shape of errors, with CORS and without detail, and is logged", async () => {
    const reportHealth = () => {
      throw new Error("secret ser.A at /src/file.ts");
    };
    const { app, lines } = await createTestApp({ environments: [environmentA()], reportHealth });
    const answer = await ask(app, "/health", { key: null });
    expect(answer.status).toBe(500);
    expect(Object.keys(JSON.parse(answer.text) as object)).toEqual(["status", "message"]);
    expect(answer.text).not.toMatch(/secret|ser\.A|file\.ts/);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    expect(lines.filter(({ level }) => level === "error")).toHaveLength(1);
  });
});
