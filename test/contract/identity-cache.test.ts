/** Contract traps 35, 47, reliability F2: a kept identity answer is right, and for its own question alone. */
import { describe, expect, it } from "vitest";
import {
  condition,
  type DocumentOptions,
  documentText,
  environmentA,
  feature,
  segment,
} from "../support/contract-documents.ts";
import { ask, expectError, flagValue, jsonOf, namesOf, type Question } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const path = "/api/v1/identities/";
const options: DocumentOptions = {
  features: [feature(1, "one", { value: "default", variants: [[50, "half", "h"]] }), feature(2, "secret")],
  serverOnly: [2],
  segments: [
    segment(1, [condition("age", "EQUAL", "1")], [feature(1, "one", { value: "int", priority: 1 })]),
    segment(2, [condition("age", "EQUAL", "True")], [feature(1, "one", { value: "bool", priority: 0 })]),
  ],
};
const createPair = async () => {
  const cached = await createTestApp({ environments: [environmentA(options)] });
  const identityCache = { enabled: false };
  const uncached = await createTestApp({ environments: [environmentA(options)], identityCache });
  return { cached: cached.app, uncached: uncached.app };
};
const posted = (body: string): readonly [string, Question] => [path, { body }];
const got = (query: string): readonly [string, Question] => [`${path}?${query}`, {}];

/** Questions that a careless key could take for one another. */
const questions: readonly (readonly [string, Question])[] = [
  ...["1", "1.0", `"1"`, "true", `"true"`, "null", `""`, "-1", "1e0", "10", "0"].map((value) =>
    posted(`{"identifier":"x","traits":[{"trait_key":"age","trait_value":${value}}]}`),
  ),
  posted(`{"identifier":"x"}`),
  posted(`{"identifier":"x","transient":true}`),
  posted(`{"identifier":"x","traits":[{"trait_key":"age","trait_value":1,"transient":true}]}`),
  posted(`{"identifier":"1","traits":[{"trait_key":"a","trait_value":"b"}]}`),
  posted(`{"identifier":"1","traits":[{"trait_key":"ab","trait_value":""}]}`),
  posted(`{"identifier":"1","traits":[{"trait_key":"a","trait_value":1},{"trait_key":"b","trait_value":2}]}`),
  posted(`{"identifier":"1","traits":[{"trait_key":"b","trait_value":2},{"trait_key":"a","trait_value":1}]}`),
  posted(`{"identifier":"\u00ff"}`),
  posted(`{"identifier":"\u01ff"}`),
  posted(`{"identifier":"\u0100[\\"x\\",null]"}`),
  posted(`{"identifier":"ÿ"}`),
  posted(`{"identifier":"Ã¿"}`),
  got("identifier=x"),
  got("identifier=x&feature=one"),
  got("identifier=x%22%2C%22one"),
  got("identifier=x%26feature%3Done"),
  got("identifier=%22x%22"),
  got("identifier=%5B%22x%22%2Cnull%5D"),
  got("identifier=X"),
  got("identifier=xone"),
  got("identifier=xon&feature=e"),
  got("identifier=xo&feature=one"),
  got("identifier=x%2Cone"),
];

describe("an answer that was kept", () => {
  it("has the same bytes and headers as one that was not, for every question in any order", async () => {
    const { cached, uncached } = await createPair();
    for (const order of [questions, questions.toReversed(), questions]) {
      for (const [asked, question] of order) {
        for (const key of ["clientA", "ser.A"]) {
          const [fromCache, fresh] = [
            await ask(cached, asked, { ...question, key }),
            await ask(uncached, asked, { ...question, key }),
          ];
          expect(fromCache.text).toBe(fresh.text);
          expect([...fromCache.headers]).toEqual([...fresh.headers]);
        }
      }
    }
  });

  it("is given to no other view: server-only features stay hidden", async () => {
    const { cached } = await createPair();
    const body = { identifier: "x" };
    for (const key of ["ser.A", "clientA", "ser.A"]) {
      const names = key === "ser.A" ? ["one", "secret"] : ["one"];
      expect(namesOf(await ask(cached, path, { key, body }))).toEqual(names);
      expect(namesOf(await ask(cached, `${path}?identifier=x`, { key }))).toEqual(names);
    }
  });

  it("is given to no wrong key", async () => {
    const { cached } = await createPair();
    for (const key of ["clientA", "wrong", "clientB"]) {
      const answer = await ask(cached, path, { key, body: { identifier: "x" } });
      if (key === "clientA") expect(answer.status).toBe(200);
      else expectError(answer, 401, "unauthorized");
    }
  });

  it("is given to no other environment", async () => {
    const environmentB = {
      clientSideKey: "clientB",
      serverSideKey: "ser.B",
      document: documentText({ key: "clientB", features: [feature(1, "one", { value: "of B" })] }),
    };
    const { app } = await createTestApp({ environments: [environmentA(), environmentB] });
    for (const key of ["clientA", "clientB", "ser.A", "ser.B"]) {
      const expected = key.endsWith("B") ? "of B" : "first";
      expect(flagValue(await ask(app, path, { key, body: { identifier: "x" } }), "one")).toBe(expected);
      expect(flagValue(await ask(app, `${path}?identifier=x`, { key }), "one")).toBe(expected);
    }
  });

  it("ends with its document", async () => {
    const { app, publish } = await createTestApp({ environments: [environmentA()] });
    const body = { identifier: "x" };
    for (const value of ["first", "second", "first", "third"]) {
      await publish("clientA", documentText({ features: [feature(1, "one", { value })] }));
      for (let turn = 0; turn < 2; turn += 1) {
        expect(flagValue(await ask(app, path, { body }), "one")).toBe(value);
        expect(flagValue(await ask(app, `${path}?identifier=x`), "one")).toBe(value);
      }
    }
  });

  it("is dropped for another where the cache is full, and stays right", async () => {
    const identityCache = { entriesMax: 2, bytesMax: 3000 };
    const { app } = await createTestApp({ environments: [environmentA(options)], identityCache });
    for (let turn = 0; turn < 2; turn += 1) {
      for (const identifier of ["a", "b", "c", "d", "e".repeat(2000)]) {
        expect(jsonOf(await ask(app, path, { body: { identifier } }))).toMatchObject({ identifier });
      }
    }
  });

  it("was no error: a faulty body stays a fault, and a later good one is good", async () => {
    const { cached } = await createPair();
    for (let turn = 0; turn < 2; turn += 1) {
      expectError(await ask(cached, path, { body: `{"identifier":5}` }), 422, "unprocessable_entity");
      expectError(await ask(cached, path, { body: "{" }), 400, "bad_request");
      expectError(await ask(cached, `${path}?identifier=x&feature=no`), 404, "not_found");
      expect((await ask(cached, path, { body: `{"identifier":"5"}` })).status).toBe(200);
    }
  });
});
