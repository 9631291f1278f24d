/** The upstream's webhook: who may ask for a refresh, of what, and what anybody else sees. */
import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { WebhookSettings } from "../../src/models/settings.ts";
import type { DataPlaneNotice } from "../../src/services/environments/data-plane-notice.ts";
import { type Answer, ask, expectError, type Question, type TestApp } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const settings: WebhookSettings = {
  pathSecret: "path-secret-0123456789",
  signingSecret: "signing-secret-of-the-test",
  bodyBytesMax: 2000,
};
const path = `/proxy/webhook/${settings.pathSecret}`;

const sign = (body: string | Uint8Array, secret = settings.signingSecret): string =>
  createHmac("sha256", secret).update(body).digest("hex");

async function createApp() {
  const notices: DataPlaneNotice[] = [];
  const notify = (notice: DataPlaneNotice) => void notices.push(notice);
  const { app, lines } = await createTestApp({ environments: [], webhook: { settings, notify } });
  return { app, notices, lines };
}

type Text = string | Uint8Array<ArrayBuffer>;

/** Posts it with its right signature, unless another is given; null: with none. */
function post(app: TestApp, body: Text, signature: string | null = sign(body), more: Question = {}) {
  const headers = { ...more.headers, ...(signature === null ? {} : { "X-Flagsmith-Signature": signature }) };
  return ask(app, path, { key: null, body, ...more, headers });
}

/** As Flagsmith sends it when a flag was changed, cut short. */
const flagUpdated = {
  event_type: "FLAG_UPDATED",
  data: {
    changed_by: "somebody@example.com",
    new_state: { enabled: true, environment: { id: 23, name: "Development" }, feature: { id: 7168 } },
    previous_state: { enabled: false, environment: { id: 23, name: "Development" } },
    timestamp: "2026-06-18T07:50:26.595298Z",
  },
};
const text = JSON.stringify(flagUpdated);

describe("a signed webhook", () => {
  it("is answered 200 at once, without a body, and asks for one refresh", async () => {
    const { app, notices, lines } = await createApp();
    const answer = await post(app, text);
    expect([answer.status, answer.text, answer.headers.get("content-length")]).toEqual([200, "", "0"]);
    expect(notices).toEqual([{ kind: "refresh-wanted", environmentId: 23 }]);
    expect(lines.filter(({ level }) => level !== "debug")).toEqual([]);
    await post(app, text);
    expect(notices).toHaveLength(2);
  });

  const environment = { id: 5, name: "Production" };
  it.each<[string, unknown, number | null]>([
    ["a flag that is gone", { data: { new_state: null, previous_state: { environment } } }, 5],
    ["an entry of the audit log", { event_type: "AUDIT_LOG_CREATED", data: { environment } }, 5],
    ["an entry with a bare number", { data: { environment: 5 } }, 5],
    ["an environment by itself", { environment }, 5],
    ["a change of the whole project", { data: { environment: null, project: { id: 6 } } }, null],
    ["a new version of a feature", { event_type: "NEW_VERSION_PUBLISHED", data: { uuid: "a" } }, null],
    ["an id that is text", { data: { environment: { id: "5" } } }, null],
    ["an id with a fraction", { data: { environment: { id: 5.5 } } }, null],
    ["a list", [{ environment }], null],
    ["null", null, null],
  ])("of %s names its environment, or none", async (_name, body, environmentId) => {
    const { app, notices } = await createApp();
    expect((await post(app, JSON.stringify(body))).status).toBe(200);
    expect(notices).toEqual([{ kind: "refresh-wanted", environmentId }]);
  });

  it("is signed over its bytes as they are, in small or capital letters", async () => {
    const { app, notices } = await createApp();
    const body = Buffer.from(` {"data": {"environment": {"id": 5}}, "é": "\\u00e9"}\r\n`);
    expect((await post(app, body)).status).toBe(200);
    expect((await post(app, body, sign(body).toUpperCase())).status).toBe(200);
    expect((await post(app, body, ` ${sign(body)} `)).status).toBe(200);
    expect(notices).toHaveLength(3);
  });
});

describe("a webhook without its right signature", () => {
  const right = sign(text);
  const flipped = `${right.startsWith("0") ? "1" : "0"}${right.slice(1)}`;
  it.each([
    ["none", null],
    ["an empty one", ""],
    ["a digit changed at its start", flipped],
    ["a digit changed at its end", `${right.slice(0, -1)}${right.endsWith("0") ? "1" : "0"}`],
    ["one digit too few", right.slice(1)],
    ["one digit too many", `${right}0`],
    ["no hexadecimal digits", "z".repeat(64)],
    ["a scheme before it", `sha256=${right}`],
    ["that of another secret", sign(text, "another-secret")],
    ["that of another body", sign(`${text} `)],
    ["two of them", `${right}, ${right}`],
  ])("is 401 and refreshes nothing: %s", async (_name, signature) => {
    const { app, notices, lines } = await createApp();
    expectError(await post(app, text, signature), 401, "unauthorized");
    expect(notices).toEqual([]);
    expect(lines).toEqual([]);
  });
});

describe("a signed webhook with a body that cannot be read", () => {
  it.each<[string, Text, number, string, Question?]>([
    ["that is no JSON", "{", 400, "bad_request"],
    ["that is empty", "", 400, "bad_request"],
    ["that is not UTF-8", Buffer.from([0x22, 0xff, 0x22]), 422, "unprocessable_entity"],
    ["that is nested deeply", "[".repeat(2000), 400, "bad_request"],
    ["that is too long", " ".repeat(2001), 413, "payload_too_large"],
    ["that is compressed", text, 415, "unsupported_media_type", { headers: { "content-encoding": "gzip" } }],
  ])("%s is refused", async (_name, body, status, slug, more = {}) => {
    const { app, notices } = await createApp();
    expectError(await post(app, body, sign(body), more), status, slug);
    expect(notices).toEqual([]);
  });

  it("is read up to its own limit", async () => {
    const { app, notices } = await createApp();
    expect((await post(app, `${text}${" ".repeat(2000 - text.length)}`)).status).toBe(200);
    expect(notices).toHaveLength(1);
  });
});

describe("the path of the webhook", () => {
  const shown = ({ status, text: body, headers }: Answer) => ({
    status,
    body,
    headers: Object.fromEntries(headers),
  });
  const headers = { "X-Flagsmith-Signature": sign(text) };
  const asked = async (app: TestApp, at: string, question: Question = {}) =>
    shown(await ask(app, at, { key: null, body: text, headers, ...question }));

  it.each([
    "/proxy/webhook/path-secret-0123456788",
    "/proxy/webhook/path-secret-012345678",
    "/proxy/webhook/path-secret-0123456789a",
    "/proxy/webhook/PATH-SECRET-0123456789",
    "/proxy/webhook/",
    "/proxy/webhook",
    "/proxy/webhook/path-secret-0123456789/more",
    "/webhook/path-secret-0123456789",
  ])("%s is no route, as any other path", async (other) => {
    const { app, notices } = await createApp();
    for (const method of ["POST", "GET", "PUT", "OPTIONS"]) {
      const question = { method, headers, ...(method === "GET" ? {} : { body: text }) };
      const answers = [other, "/none"].map(async (at) =>
        shown(await ask(app, at, { key: null, ...question })),
      );
      const [given, wanted] = await Promise.all(answers);
      expect(given).toEqual(wanted);
      expect(given?.status).toBe(404);
    }
    expect(notices).toEqual([]);
  });

  it("takes a slash at its end, and POST alone", async () => {
    const { app } = await createApp();
    expect((await asked(app, `${path}/`)).status).toBe(200);
    const { status, headers: answered } = shown(await ask(app, path, { key: null }));
    expect([status, answered["allow"]]).toEqual([405, "POST, OPTIONS"]);
  });

  it("is no route where there are no secrets", async () => {
    for (const webhook of [undefined, { settings: null, notify: () => undefined }]) {
      const { app } = await createTestApp({
        environments: [],
        ...(webhook === undefined ? {} : { webhook }),
      });
      for (const at of [path, "/proxy/webhook/null", "/proxy/webhook/undefined"]) {
        expect(await asked(app, at)).toEqual(await asked(app, "/none"));
      }
    }
  });
});
