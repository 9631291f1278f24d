/**
 * Contract A5, B 2.4: who posts without an identifier gets the one that core makes. The expected values were
 * computed with Python's hashlib and `f"{key}{value}"`, and are pinned.
 */
import { describe, expect, it } from "vitest";
import { condition, environmentA, feature, segment } from "../support/contract-documents.ts";
import { ask, expectError, flagValue, jsonOf } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const path = "/api/v1/identities/";
const createApp = async () => (await createTestApp({ environments: [environmentA()] })).app;

/** `[traits as key and JSON text of the value, SHA-256]` */
const pinned: readonly (readonly [readonly (readonly [string, string])[], string])[] = [
  [
    [
      ["b", `"2"`],
      ["a", `"1"`],
    ],
    "85337816d263d362acb23a4255a636191075c2a90c47f2ee6db3362f7df11203",
  ],
  [
    [
      ["t", "true"],
      ["f", "false"],
    ],
    "5b318ca8c483057b35764362f2e435e3a8889785ac33767882a47b26b2ff1cd7",
  ],
  [[["n", "1.0"]], "fa4f7d8931aed2eddb64075e85ebbeb3f5d5f1c47f3569eb0a760813d7f55ecf"],
  [[["n", "1"]], "676b8bb84ce7267dd520deca4811c8f10a53e636352f06987f42fe425acedd80"],
  [[["n", "1e3"]], "620c89dc92170335f65dd60cb87f1f9a75a37eca594294966536a4ee475bc1a7"],
  [[["n", "1e16"]], "85d444be15e344035ecfdfdeadf4e38579633e51cefbd7143ca36535897fb58e"],
  [[["n", "1.5e-7"]], "ae501bb159b2eddf5c0df981452bf5618856d9b319357e10f189c6807af387c5"],
  [
    [["n", "123456789012345678901234567890"]],
    "14141c7ffeaedfd79d98f825817228495f355ef53760da1118dc3de673dae621",
  ],
  [[["n", "9007199254740993"]], "9f68e77b443c5b4515888b71d8c6843a6412b27942a59c276c625605f555e699"],
  [[["n", "-0"]], "820d5d8baf762ec66dcd56fed15c78bf2798d4f9bd492f4553e99b4684865498"],
  [[["n", "-0.0"]], "5867bd82132cdd636be71a1b4e744726965ec7518c642e14990e60c49ec261b4"],
  [[["n", "0.1"]], "2632f045b0ad8fbf6b37aeec9fbc4964d199141b5137c8760ac5b1b496bc7e54"],
  [[["n", `"007"`]], "58367acba9534313995b9af3756b94ac463f252886135ea4a48932ccb63b4025"],
  // Python sorts by code point: U+FF5E before U+1F600, though UTF-16 has it the other way round.
  [
    [
      ["😀", `"x"`],
      ["\uff5e", `"y"`],
    ],
    "6516198ad039e91b36822d31fe410705bfd31da8ff4334b652c5b0eaafcabdf5",
  ],
  [[["größe", `"weiß"`]], "6943e7b25189c7776d23ef6507bfb88e01947db9f3e3720dcbff7c0dfe647e8e"],
  [
    [
      ["a", `"1"`],
      ["z", "null"],
    ],
    "f55ff16f66f43360266b95db6f8fec01d76031054306ae4a4b380598f6cfd114",
  ],
  [
    [
      ["__proto__", `"p"`],
      ["constructor", `"c"`],
    ],
    "c1e6dc65a6d553aa45477edf6d3b0b4105258ba0bf281aeb59153c46248a92a5",
  ],
  [[["a", `""`]], "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"],
  [
    [
      ["a", `"1"`],
      ["B", `"2"`],
    ],
    "231ba7c506f15591bf6cb92248089b04eff4900d165e83c9d1f6f4bc717ab94b",
  ],
];

const bodyOf = (start: string, traits: readonly (readonly [string, string])[]): string => {
  const texts = traits.map(([key, value]) => `{"trait_key":${JSON.stringify(key)},"trait_value":${value}}`);
  return `{${start}"traits":[${texts.join(",")}]}`;
};

describe("an identifier made of traits", () => {
  it.each(pinned)("of %j is what core makes", async (traits, expected) => {
    const app = await createApp();
    for (const start of ["", `"identifier":null,`, `"identifier":"",`, `"transient":true,`]) {
      const answer = await ask(app, path, { body: bodyOf(start, traits) });
      expect(jsonOf(answer)).toMatchObject({ identifier: expected });
    }
    const reversed = await ask(app, path, { body: bodyOf("", traits.toReversed()) });
    expect(jsonOf(reversed)).toMatchObject({ identifier: expected });
  });

  it("differs with a value's type", async () => {
    const app = await createApp();
    const identifiers = await Promise.all(
      ["1", "1.0", "true", `"true"`].map(async (value) => {
        const answer = await ask(app, path, { body: bodyOf("", [["n", value]]) });
        return (jsonOf(answer) as { identifier: string }).identifier;
      }),
    );
    expect(new Set(identifiers).size).toBe(4);
  });

  // Evaluation takes the last of a key (A5); the identifier is made as core makes it, of all that was sent
  // (B 2.4).
  it("counts every entry of a duplicate key", async () => {
    const app = await createApp();
    const twice = await ask(app, path, {
      body: bodyOf("", [
        ["n", "2"],
        ["n", "1"],
      ]),
    });
    expect(jsonOf(twice)).toMatchObject({
      identifier: "8987fcda4262b1df82b088641aa5225e28fd797293cc4180c8b661001c1f009f",
    });
  });

  it("is what the identity is evaluated as, so that splits are stable", async () => {
    const [traits, identifier] = pinned[0]!;
    const isIt = [condition("$.identity.identifier", "EQUAL", identifier)];
    const segments = [segment(1, isIt, [feature(1, "one", { value: "recognised", priority: 0 })])];
    const { app } = await createTestApp({ environments: [environmentA({ segments })] });
    expect(flagValue(await ask(app, path, { body: bodyOf("", traits) }), "one")).toBe("recognised");
    const { app: split } = await createTestApp({
      environments: [environmentA({ features: [feature(1, "s", { value: 0, variants: [[50, 1, "k"]] })] })],
    });
    const generated = await ask(split, path, { body: bodyOf("", traits) });
    const explicit = await ask(split, path, { body: bodyOf(`"identifier":"${identifier}",`, traits) });
    expect(generated.text).toBe(explicit.text);
  });
});

describe("an identifier without traits to make it of", () => {
  it.each([
    "{}",
    `{"traits":[]}`,
    `{"identifier":null}`,
    `{"identifier":"","traits":null}`,
    `{"transient":true}`,
  ])("is random: two answers to %s differ", async (body) => {
    const app = await createApp();
    const answers = [await ask(app, path, { body }), await ask(app, path, { body })];
    const identifiers = answers.map((each) => (jsonOf(each) as { identifier: string }).identifier);
    for (const each of identifiers) expect(each).toMatch(/^[0-9a-f]{32}$/);
    expect(identifiers[0]).not.toBe(identifiers[1]);
  });

  // B 2.4 skips null values, and makes a uuid for no traits at all: what is left to hash here is the empty
  // text.
  it("is the hash of nothing where every trait is null", async () => {
    const app = await createApp();
    const answer = await ask(app, path, { body: bodyOf("", [["a", "null"]]) });
    expect(jsonOf(answer)).toMatchObject({
      identifier: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    });
  });

  it("is made for POST alone: GET without identifier is a 422", async () => {
    const app = await createApp();
    for (const query of ["", "?", "?identifier=", "?identifier", "?transient=true", "?Identifier=x"]) {
      expectError(await ask(app, `${path}${query}`), 422, "unprocessable_entity");
    }
  });
});
