/** Contract A3, A5, reliability E25 to E39: bodies that are not JSON, of the wrong shape, or odd. */
import { describe, expect, it } from "vitest";
import { environmentA } from "../support/contract-documents.ts";
import { ask, expectError, expectFault, jsonOf } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const path = "/api/v1/identities/";
const bulk = "/api/v1/bulk-identities/";
const createApp = async () => (await createTestApp({ environments: [environmentA()] })).app;
const utf8 = (text: string) => new Uint8Array(Buffer.from(text));

const notJson = [
  "",
  " ",
  "{",
  `{"identifier":"x"`,
  `{"identifier":"x"} x`,
  `{"identifier":"x"}{}`,
  `{"identifier":NaN}`,
  "undefined",
  `{'identifier':'x'}`,
  `{"identifier":"x",}`,
  `{identifier:"x"}`,
  `{"identifier":Infinity}`,
  `{"identifier":01}`,
  `{"identifier":"a\nb"}`,
  `// c\n{}`,
  `{"traits":[1.]}`,
  "identifier=x",
  "\u00a0{}",
  `{"a":"\\x"}`,
];

describe("a body that is not JSON", () => {
  it.each(notJson)("is a 400: %j", async (body) => {
    const app = await createApp();
    for (const route of [path, bulk]) {
      const answer = await ask(app, route, { body: utf8(body) });
      expectError(answer, 400, "bad_request");
    }
  });

  it("is not quoted in the answer, nor is the parser", async () => {
    const app = await createApp();
    const answer = await ask(app, path, { body: `{"identifier": topsecret` });
    expectError(answer, 400, "bad_request");
    expect(answer.text).not.toMatch(/topsecret|Unexpected|position|SyntaxError|at /);
  });
});

describe("JSON of the wrong shape", () => {
  it.each(["[]", "null", "1", `"x"`, "true", "1.0", "[{}]"])("is a 422 at the body: %s", async (body) => {
    const app = await createApp();
    expectFault(await ask(app, path, { body }), ["body"]);
    expectError(await ask(app, bulk, { body }), 422, "unprocessable_entity");
  });

  it.each(["5", "1.0", "1e3", "true", "[]", "{}", `["x"]`])(
    "is a 422 at the identifier: %s",
    async (value) => {
      const app = await createApp();
      const answer = await ask(app, path, { body: `{"identifier":${value}}` });
      expectFault(answer, ["body", "identifier"], "string_type");
    },
  );

  it.each(["{}", `"x"`, "1", "1.0", "true", `{"age":21}`])("is a 422 at the traits: %s", async (value) => {
    const app = await createApp();
    const answer = await ask(app, path, { body: `{"identifier":"x","traits":${value}}` });
    expectFault(answer, ["body", "traits"], "list_type");
  });

  it.each(["1", "null", `"age"`, "[]", "1.0"])("is a 422 at a trait: %s", async (value) => {
    const app = await createApp();
    const answer = await ask(app, path, { body: `{"traits":[{"trait_key":"a"},${value}]}` });
    expectFault(answer, ["body", "traits", 1]);
  });

  it.each(["1", "null", "true", "[]", "{}", "1.0"])("is a 422 at a trait's key: %s", async (value) => {
    const app = await createApp();
    const answer = await ask(app, path, { body: `{"traits":[{"trait_key":${value},"trait_value":1}]}` });
    expectFault(answer, ["body", "traits", 0, "trait_key"], "string_type");
  });

  it("is a 422 where a trait's key is missing", async () => {
    const app = await createApp();
    const answer = await ask(app, path, { body: `{"traits":[{"trait_value":1}]}` });
    expectFault(answer, ["body", "traits", 0, "trait_key"], "missing");
  });

  it.each(["{}", "[]", `{"value":1}`, "[1]", `{"__proto__":1}`])("is a 422 at a value: %s", async (value) => {
    const app = await createApp();
    const answer = await ask(app, path, { body: `{"traits":[{"trait_key":"a","trait_value":${value}}]}` });
    expectFault(answer, ["body", "traits", 0, "trait_value"]);
  });

  it.each(["1", "0", `"true"`, `""`, "[]", "{}", "1.0"])("is a 422 at transient: %s", async (value) => {
    const app = await createApp();
    const identity = await ask(app, path, { body: `{"identifier":"x","transient":${value}}` });
    expectFault(identity, ["body", "transient"], "bool_type");
    const body = `{"traits":[{"trait_key":"a","trait_value":1,"transient":${value}}]}`;
    expectFault(await ask(app, path, { body }), ["body", "traits", 0, "transient"], "bool_type");
  });

  it("is a 422 for GET without identifier, at the query", async () => {
    const app = await createApp();
    for (const query of ["", "?identifier="]) {
      expectFault(await ask(app, `${path}${query}`), ["query", "identifier"], "missing");
    }
  });
});

describe("text that is not well-formed Unicode", () => {
  const lone = [`\\ud800`, `\\udc00`, `a\\ud83d`, `\\ude00\\ud83d`, `\\uD800\\u0041`];

  it.each(lone)("is a 422 wherever a string counts: %s", async (text) => {
    const app = await createApp();
    expectFault(await ask(app, path, { body: `{"identifier":"${text}"}` }), ["body", "identifier"]);
    const key = `{"traits":[{"trait_key":"${text}","trait_value":1}]}`;
    expectFault(await ask(app, path, { body: key }), ["body", "traits", 0, "trait_key"]);
    const value = `{"traits":[{"trait_key":"k","trait_value":"${text}"}]}`;
    expectFault(await ask(app, path, { body: value }), ["body", "traits", 0, "trait_value"]);
    const many = await ask(app, bulk, { body: `{"data":[{},{"identifier":"${text}"}]}` });
    expectFault(many, ["body", "data", 1, "identifier"]);
  });

  it("is fine where the escapes make a pair", async () => {
    const app = await createApp();
    const answer = await ask(app, path, { body: `{"identifier":"\\ud83d\\ude00"}` });
    expect(jsonOf(answer)).toMatchObject({ identifier: "😀" });
  });

  it.each([[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf5, 0x80, 0x80, 0x80]])(
    "is a 422 where bytes are not UTF-8: %i %i %i",
    async (...bytes) => {
      const app = await createApp();
      const given = bytes.filter((each): each is number => typeof each === "number");
      const body = Buffer.concat([Buffer.from(`{"identifier":"`), Buffer.from(given), Buffer.from(`"}`)]);
      for (const route of [path, bulk]) {
        expectError(await ask(app, route, { body: new Uint8Array(body) }), 422, "unprocessable_entity");
      }
    },
  );

  // Ambiguous: "unknown fields are ignored" meets "strings that are not well-formed: 422". Pinned: ignored.
  it("does not matter in a field that is ignored", async () => {
    const app = await createApp();
    expect((await ask(app, path, { body: `{"identifier":"x","other":"\\ud800"}` })).status).toBe(200);
  });
});
