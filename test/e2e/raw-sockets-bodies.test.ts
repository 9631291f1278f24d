/** Bodies of identities and bulk-identities on raw sockets: what is wrong is told, by code and place. */
import { afterAll, expect, it } from "vitest";
import { ask, requestText } from "../support/raw-client.ts";
import { clientKey, startProxy } from "../support/running-proxy.ts";

const proxy = await startProxy();
afterAll(() => proxy[Symbol.asyncDispose]());

const key = `X-Environment-Key: ${clientKey}`;
const json = "Content-Type: application/json";

const post = async (body: string, headers: readonly string[] = [key, json], path = "identities") => {
  const response = await ask(proxy.port, requestText(`POST /api/v1/${path}/`, headers, body));
  const good = await ask(proxy.port, requestText("GET /api/v1/flags/", [key]));
  expect(good.status).toBe(200);
  return response;
};
const trait = (value: string, name = '"plan"') => {
  return `{"identifier":"bob","traits":[{"trait_key":${name},"trait_value":${value}}]}`;
};
const bulk = (body: string) => `{"data":[{"identifier":"a"},${body}]}`;

it.each([
  ["E25 an empty body", ""],
  ["E25 truncated JSON", '{"identifier":"bo'],
  ["E25 NaN", trait("NaN")],
  ["E25 trailing garbage", '{"identifier":"bob"} x'],
  ["E25 two values", '{"identifier":"bob"}{}'],
  ["E25 a trailing comma", '{"identifier":"bob",}'],
])("%s is 400", async (_name, body) => {
  const response = await post(body);
  expect(response.status).toBe(400);
  expect(JSON.parse(response.body)).toMatchObject({ status: "bad_request" });
  if (body !== "") expect((await post(bulk(body), [key, json], "bulk-identities")).status).toBe(400);
});

it.each(["[]", "null", "1", '"x"', "true"])("E26 JSON of the wrong shape, %s, is 422", async (body) => {
  for (const path of ["identities", "bulk-identities"]) {
    const response = await post(body, [key, json], path);
    expect(response.status).toBe(422);
    expect(JSON.parse(response.body)).toMatchObject({ status: "unprocessable_entity", detail: [{}] });
  }
  expect((await post(bulk(body), [key, json], "bulk-identities")).status).toBe(422);
});

it("E27 E28 any content type will do, and none", async () => {
  const expected = await post('{"identifier":"bob"}');
  for (const headers of [[key, "Content-Type: text/plain"], [key], [key, "Content-Type: application/xml"]]) {
    const response = await post('{"identifier":"bob"}', headers);
    expect([response.status, response.body]).toEqual([200, expected.body]);
  }
});

it.each(["gzip", "br", "x"])("E29 Content-Encoding %s is 415", async (encoding) => {
  const response = await post('{"identifier":"bob"}', [key, json, `Content-Encoding: ${encoding}`]);
  expect(response.status).toBe(415);
  expect(JSON.parse(response.body)).toMatchObject({ status: "unsupported_media_type" });
});

it.each([
  ["E30 a number as identifier", '{"identifier":7}', ["body", "identifier"]],
  ["E30 an identifier of 2001 characters", `{"identifier":"${"a".repeat(2001)}"}`, ["body", "identifier"]],
  ["E32 an object as trait value", trait("{}"), ["body", "traits", 0, "trait_value"]],
  ["E32 a list as trait value", trait("[1]"), ["body", "traits", 0, "trait_value"]],
  [
    "E32 a trait value of 2001 characters",
    trait(`"${"a".repeat(2001)}"`),
    ["body", "traits", 0, "trait_value"],
  ],
  ["E32 an object as traits", '{"identifier":"bob","traits":{}}', ["body", "traits"]],
  ["a trait key of 201 characters", trait("1", `"${"k".repeat(201)}"`), ["body", "traits", 0, "trait_key"]],
  [
    "a missing trait key",
    '{"identifier":"b","traits":[{"trait_value":1}]}',
    ["body", "traits", 0, "trait_key"],
  ],
  ["E33 1e400", trait("1e400"), ["body", "traits", 0, "trait_value"]],
  ["E35 a lone surrogate", trait('"\\ud800"'), ["body", "traits", 0, "trait_value"]],
])("%s is 422 and names its place, alone and in bulk", async (_name, body, place) => {
  const alone = await post(body);
  expect(alone.status).toBe(422);
  expect(JSON.parse(alone.body).detail[0].loc).toEqual(place);
  const [root, ...rest] = place;
  const inBulk = await post(bulk(body), [key, json], "bulk-identities");
  expect(inBulk.status).toBe(422);
  expect(JSON.parse(inBulk.body).detail[0].loc).toEqual([root, "data", 1, ...rest]);
});

it("E32 too long a trait value has the type string_too_long", async () => {
  const { body } = await post(trait(`"${"a".repeat(2001)}"`));
  expect(JSON.parse(body).detail[0].type).toBe("string_too_long");
});

it("limits count characters, not bytes or UTF-16 units", async () => {
  const astral = Buffer.from("😀".repeat(2000)).toString("latin1");
  expect((await post(trait(`"${astral}"`))).status).toBe(200);
  expect((await post(`{"identifier":"${astral}"}`)).status).toBe(200);
});

it.each(["{}", '{"identifier":null}', '{"identifier":""}', '{"identifier":null,"traits":null}'])(
  "E30 E31 POST %s is a transient identity",
  async (body) => {
    const response = await post(body);
    expect(response.status).toBe(200);
    expect(JSON.parse(response.body).identifier).toMatch(/^[0-9a-f]{32,64}$/);
  },
);

it.each(["9007199254740993", "1.0", "-0.0", "1E2", "123456789012345678901234567890"])(
  "E34 the number %s is echoed digit by digit",
  async (number) => {
    const response = await post(trait(number));
    expect(response.status).toBe(200);
    expect(response.body).toContain(`"trait_value":${number}}`);
  },
);

it.each(["\xff", "\xc3(", "\xed\xa0\x80"])("E35 %j, which is no UTF-8, is 422", async (bytes) => {
  expect((await post(trait(`"${bytes}"`))).status).toBe(422);
  expect((await post(`{"identifier":"${bytes}"}`)).status).toBe(422);
});

it.each(["__proto__", "constructor", "toString", "hasOwnProperty"])(
  "E36 %s is an ordinary name of keys, traits and identities",
  async (name) => {
    const traits = `[{"trait_key":"${name}","trait_value":"x"}]`;
    const sent = `{"identifier":"${name}","${name}":{"admin":true},"traits":${traits}}`;
    const { body, status } = await post(sent);
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ identifier: name });
    expect(body).toContain(`"traits":${traits}`);
    expect(Object.keys(Object.prototype)).toEqual([]);
  },
);

it("E37 a hundred thousand levels of nesting are 422", async () => {
  for (const body of [
    "[".repeat(100_000) + "]".repeat(100_000),
    trait("[".repeat(50_000) + "]".repeat(50_000)),
  ]) {
    expect((await post(body)).status).toBe(422);
  }
  expect(
    (await post(`{"identifier":"a","x":${"[".repeat(99_000)}${"]".repeat(99_000)}}`)).status,
  ).toBeLessThan(500);
});

it("E38 of duplicate JSON keys the last one counts", async () => {
  const { body } = await post('{"identifier":"first","identifier":"last"}');
  expect(JSON.parse(body).identifier).toBe("last");
});

it("of duplicate traits the last one counts and is echoed once", async () => {
  const traits = '[{"trait_key":"plan","trait_value":"beta"},{"trait_key":"plan","trait_value":"free"}]';
  const { body } = await post(`{"identifier":"bob","traits":${traits}}`);
  expect(JSON.parse(body).traits).toEqual([{ trait_key: "plan", trait_value: "free" }]);
});

it("E39 a byte order mark is skipped", async () => {
  expect((await post('\xef\xbb\xbf{"identifier":"bob"}')).status).toBe(200);
});

it("E41 more than a thousand traits are 422", async () => {
  const traits = (count: number) =>
    `{"identifier":"b","traits":[${Array.from({ length: count }, (_, n) => `{"trait_key":"${n}"}`).join()}]}`;
  expect((await post(traits(1000))).status).toBe(200);
  expect((await post(traits(1001))).status).toBe(422);
  expect((await post(traits(10_000))).status).toBe(422);
});

it("a bulk request is answered by the same identities as single ones, in order", async () => {
  const bodies = [trait('"beta"'), '{"identifier":"alice"}', '{"identifier":"carol","traits":[]}'];
  const singles = await Promise.all(bodies.map(async (body) => JSON.parse((await post(body)).body)));
  const { status, body } = await post(`{"data":[${bodies.join()}]}`, [key, json], "bulk-identities");
  expect(status).toBe(200);
  expect(JSON.parse(body)).toEqual(singles);
  expect((await post('{"data":[]}', [key, json], "bulk-identities")).body).toBe("[]");
});

it("a chunked body is read as a whole", async () => {
  const body = '{"identifier":"bob"}';
  const chunks = [...body].map((each) => `1\r\n${each}\r\n`).join("");
  const response = await post(`${chunks}0\r\n\r\n`, [key, json, "Transfer-Encoding: chunked"]);
  expect([response.status, response.body]).toEqual([200, (await post(body)).body]);
});
