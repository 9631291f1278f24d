/** Contract A5: the identity response, its traits, and its variants. */
import { describe, expect, it } from "vitest";
import { type DocumentOptions, environmentA, feature } from "../support/contract-documents.ts";
import { ask, flagsOf, jsonOf } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const path = "/api/v1/identities/";
const createApp = async (options: DocumentOptions = {}) =>
  (await createTestApp({ environments: [environmentA(options)] })).app;

/** Posts the raw body and gives the part of the answer between identifier and flags. */
async function traitsTextOf(traitsText: string): Promise<string> {
  const answer = await ask(await createApp(), path, { body: `{"identifier":"x","traits":${traitsText}}` });
  expect(answer.status).toBe(200);
  return /^\{"identifier":"x","traits":(.*),"flags":\[/.exec(answer.text)?.[1] ?? answer.text;
}

describe("the identity response", () => {
  const flag =
    `{"feature":{"id":1,"name":"one","type":"STANDARD"},` +
    `"enabled":true,"feature_state_value":"first","variant":null}`;

  it("has identifier, traits and flags, in this order, and nothing else", async () => {
    const app = await createApp();
    const expected = `{"identifier":"x","traits":[],"flags":[${flag}]}`;
    expect((await ask(app, path, { body: { identifier: "x" } })).text).toBe(expected);
    expect((await ask(app, `${path}?identifier=x`)).text).toBe(expected);
    expect((await ask(app, `${path}?identifier=x&transient=true`)).text).toBe(expected);
    expect((await ask(app, `${path}?identifier=x&feature=ONE`)).text).toBe(expected);
    const body = { identifier: "x", traits: [{ trait_key: "k", trait_value: "v" }] };
    const withTrait = `{"identifier":"x","traits":[{"trait_key":"k","trait_value":"v"}],"flags":[${flag}]}`;
    expect((await ask(app, path, { body })).text).toBe(withTrait);
  });

  it("has one flag alone where GET asks for one", async () => {
    const app = await createApp({ features: [feature(1, "one"), feature(2, "two")] });
    const answer = await ask(app, `${path}?identifier=x&feature=two`);
    expect(flagsOf(answer).map((each) => each.feature.name)).toEqual(["two"]);
    expect(flagsOf(await ask(app, `${path}?identifier=x&feature=`))).toHaveLength(2);
  });

  it("ignores fields that it does not know", async () => {
    const app = await createApp();
    const traits = [{ id: null, trait_key: "k", trait_value: 1, extra: {} }];
    const answer = await ask(app, path, { body: { identifier: "x", traits, flags: [], evil: { a: [1] } } });
    const traitText = `[{"trait_key":"k","trait_value":1}]`;
    expect(answer.text).toBe(`{"identifier":"x","traits":${traitText},"flags":[${flag}]}`);
  });

  it("gives the identifier back as it came", async () => {
    const app = await createApp();
    for (const identifier of ["ключ_日本 😀", ` a "b" \\ `, "a,b", "007", "null", "__proto__", "\u0000\n"]) {
      const posted = await ask(app, path, { body: { identifier } });
      expect(jsonOf(posted)).toMatchObject({ identifier });
      const got = await ask(app, `${path}?identifier=${encodeURIComponent(identifier)}`);
      expect(got.text).toBe(posted.text);
    }
  });
});

describe("variant", () => {
  const variantOf = async (options: Parameters<typeof feature>[2]) => {
    const app = await createApp({ features: [feature(1, "one", options)] });
    const [flag] = flagsOf(await ask(app, `${path}?identifier=x`));
    expect(Object.keys(flag ?? {})).toEqual(["feature", "enabled", "feature_state_value", "variant"]);
    return [flag?.feature_state_value, flag?.variant];
  };

  it("is the key of the variant that was hit, which may be null", async () => {
    expect(await variantOf({ value: "c", variants: [[100, "v", "treatment"]] })).toEqual(["v", "treatment"]);
    expect(await variantOf({ value: "c", variants: [[100, "v", null]] })).toEqual(["v", null]);
  });

  it("is control where no variant was hit", async () => {
    expect(await variantOf({ value: "c", variants: [[0, "v", "treatment"]] })).toEqual(["c", "control"]);
  });

  it("is null for a feature without variants", async () => {
    expect(await variantOf({ value: "c" })).toEqual(["c", null]);
  });
});

describe("the echo of traits", () => {
  it.each([
    "1",
    "-1",
    "1.0",
    "9007199254740993",
    "123456789012345678901234567890",
    "-0",
    "1e3",
    "1E-3",
    "0.10",
    "-0.0",
    "true",
    "false",
    `""`,
    `"1.0"`,
    `"a\\"b"`,
  ])("keeps the value %s as it was sent", async (text) => {
    const sent = `[{"trait_key":"k","trait_value":${text}}]`;
    expect(await traitsTextOf(sent)).toBe(sent);
  });

  it("keeps the order in which keys came", async () => {
    const keys = ["z", "10", "2", "a", "__proto__", "1"];
    const sent = `[${keys.map((key) => `{"trait_key":"${key}","trait_value":1}`).join(",")}]`;
    expect(await traitsTextOf(sent)).toBe(sent);
  });

  it("leaves out null and absent values", async () => {
    const sent = `[{"trait_key":"a","trait_value":null},{"trait_key":"b"},{"trait_key":"c","trait_value":1}]`;
    expect(await traitsTextOf(sent)).toBe(`[{"trait_key":"c","trait_value":1}]`);
  });

  it("is empty for traits that are absent, null or an empty list", async () => {
    expect(await traitsTextOf("[]")).toBe("[]");
    expect(await traitsTextOf("null")).toBe("[]");
  });

  it("has a duplicate key once, with its last value", async () => {
    const trait = (value: string, rest = "") => `{"trait_key":"k","trait_value":${value}${rest}}`;
    expect(await traitsTextOf(`[${trait("1")},${trait(`"1"`)},${trait("1.0")}]`)).toBe(`[${trait("1.0")}]`);
    expect(await traitsTextOf(`[${trait("1")},${trait("null")}]`)).toBe("[]");
    expect(await traitsTextOf(`[${trait("null")},${trait("2")}]`)).toBe(`[${trait("2")}]`);
    const transient = `,"transient":true`;
    expect(await traitsTextOf(`[${trait("1", transient)},${trait("2")}]`)).toBe(`[${trait("2")}]`);
    expect(await traitsTextOf(`[${trait("1")},${trait("2", transient)}]`)).toBe(`[${trait("2", transient)}]`);
  });

  it("marks traits that were sent transient, and no others", async () => {
    const trait = (key: string, transient: string) => `{"trait_key":"${key}","trait_value":1${transient}}`;
    const sent = [
      trait("a", `,"transient":true`),
      trait("b", `,"transient":false`),
      trait("c", `,"transient":null`),
      trait("d", ""),
    ];
    const expected = [trait("a", `,"transient":true`), trait("b", ""), trait("c", ""), trait("d", "")];
    expect(await traitsTextOf(`[${sent.join(",")}]`)).toBe(`[${expected.join(",")}]`);
  });

  it("is not touched by the identity's own transient", async () => {
    const app = await createApp();
    const traits = [{ trait_key: "k", trait_value: 1 }];
    for (const transient of [true, false, null]) {
      const answer = await ask(app, path, { body: { identifier: "x", transient, traits } });
      expect(jsonOf(answer)).toMatchObject({ identifier: "x", traits });
      expect(answer.text).not.toContain("transient");
    }
  });
});
