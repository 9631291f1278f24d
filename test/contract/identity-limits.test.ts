/** Contract A5, reliability E30 to E33, E41: the limits of an identities request, in code points. */
import { describe, expect, it } from "vitest";
import { environmentA } from "../support/contract-documents.ts";
import { ask, expectFault, jsonOf } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const path = "/api/v1/identities/";
const createApp = async () => (await createTestApp({ environments: [environmentA()] })).app;
const characters = ["x", "é", "日", "😀"];
const trait = (trait_key: unknown, trait_value: unknown, rest: object = {}) => ({
  trait_key,
  trait_value,
  ...rest,
});
const many = (count: number) => Array.from({ length: count }, (_, index) => trait(`k${index}`, index));

describe.each(characters)("a limit counted in characters such as %s", (character) => {
  it("lets an identifier have 2000, and no more", async () => {
    const app = await createApp();
    const identifier = character.repeat(2000);
    expect(jsonOf(await ask(app, path, { body: { identifier } }))).toMatchObject({ identifier });
    const tooLong = character.repeat(2001);
    const answer = await ask(app, path, { body: { identifier: tooLong } });
    expectFault(answer, ["body", "identifier"], "string_too_long");
  });

  it("lets the identifier of GET have 2000, and no more", async () => {
    const app = await createApp();
    const query = (count: number) => `${path}?identifier=${encodeURIComponent(character.repeat(count))}`;
    expect((await ask(app, query(2000))).status).toBe(200);
    expectFault(await ask(app, query(2001)), ["query", "identifier"], "string_too_long");
  });

  it("lets a trait's key have 200, and no more", async () => {
    const app = await createApp();
    const traits = [trait(character.repeat(200), 1)];
    expect(jsonOf(await ask(app, path, { body: { identifier: "x", traits } }))).toMatchObject({ traits });
    const tooLong = { identifier: "x", traits: [trait("fine", 1), trait(character.repeat(201), 1)] };
    expectFault(
      await ask(app, path, { body: tooLong }),
      ["body", "traits", 1, "trait_key"],
      "string_too_long",
    );
  });

  it("lets a trait's text have 2000, and no more", async () => {
    const app = await createApp();
    const traits = [trait("k", character.repeat(2000))];
    expect(jsonOf(await ask(app, path, { body: { identifier: "x", traits } }))).toMatchObject({ traits });
    const answer = await ask(app, path, {
      body: { identifier: "x", traits: [trait("k", character.repeat(2001))] },
    });
    expectFault(answer, ["body", "traits", 0, "trait_value"], "string_too_long");
  });
});

describe("the number of traits", () => {
  it("is at most 1000", async () => {
    const app = await createApp();
    const full = jsonOf(await ask(app, path, { body: { identifier: "x", traits: many(1000) } }));
    expect((full as { traits: unknown[] }).traits).toHaveLength(1000);
    for (const count of [1001, 5000]) {
      const answer = await ask(app, path, { body: { identifier: "x", traits: many(count) } });
      expectFault(answer, ["body", "traits"], "too_long");
    }
  });

  it("counts duplicates and nulls as they were sent", async () => {
    const app = await createApp();
    const traits = Array.from({ length: 1001 }, () => trait("same", null));
    expectFault(await ask(app, path, { body: { identifier: "x", traits } }), ["body", "traits"], "too_long");
  });

  it("is refused for 10,000 small traits with 422 or 413", async () => {
    const app = await createApp();
    const traits = Array.from({ length: 10_000 }, () => ({ trait_key: "" }));
    const answer = await ask(app, path, { body: { traits } });
    expect(answer.bytes.byteLength).toBeLessThan(2000);
    expectFault(answer, ["body", "traits"], "too_long");
  });
});

describe("the answer to many faults", () => {
  it("is bounded, and names the first", async () => {
    const app = await createApp();
    const traits = Array.from({ length: 1000 }, () => trait(5, {}));
    const answer = await ask(app, path, { body: { identifier: 5, traits } });
    expectFault(answer, ["body", "identifier"], "string_type");
    expect(answer.bytes.byteLength).toBeLessThan(10_000);
  });

  it("lists each of a few", async () => {
    const app = await createApp();
    const body = { identifier: 5, traits: [trait("k", {}), trait(null, 1), 7] };
    const answer = await ask(app, path, { body });
    const { detail } = JSON.parse(answer.text) as { detail: { loc: unknown }[] };
    expect(detail.map(({ loc }) => loc)).toEqual([
      ["body", "identifier"],
      ["body", "traits", 0, "trait_value"],
      ["body", "traits", 1, "trait_key"],
      ["body", "traits", 2],
    ]);
  });
});

describe("a number", () => {
  it.each(["1e400", "-1e400", "1e999999"])("beyond all floats is a 422: %s", async (text) => {
    const app = await createApp();
    const body = `{"identifier":"x","traits":[{"trait_key":"k","trait_value":${text}}]}`;
    expectFault(await ask(app, path, { body }), ["body", "traits", 0, "trait_value"]);
  });

  it.each(["1e308", "5e-324", "1e-400", "9".repeat(400)])("within reach is taken: %.20s", async (text) => {
    const app = await createApp();
    const body = `{"identifier":"x","traits":[{"trait_key":"k","trait_value":${text}}]}`;
    const answer = await ask(app, path, { body });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain(`"trait_value":${text}}`);
  });
});
