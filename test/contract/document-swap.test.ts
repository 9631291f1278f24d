/** Contract A8, A10, A11 as a reader sees them: a new document replaces the old one at once and whole. */
import { describe, expect, it } from "vitest";
import { type DocumentOptions, documentText, environmentA, feature } from "../support/contract-documents.ts";
import { ask, flagsOf, namesOf, type TestApp } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const updatedAt = "x-flagsmith-document-updated-at";
const version = (number: number): DocumentOptions => ({
  updatedAt: `2024-04-18T08:16:${String(number).padStart(2, "0")}.500000Z`,
  features: ["a", "b", "c"].map((name, index) => feature(index + 1, name, { value: number })),
});
const questions = (app: TestApp) => [
  ask(app, "/api/v1/flags/"),
  ask(app, "/api/v1/identities/?identifier=x"),
  ask(app, "/api/v1/identities/", { body: { identifier: "x" } }),
];

describe("a published document", () => {
  it("is what every route answers from then on, with its time and another ETag", async () => {
    const { app, publish } = await createTestApp({ environments: [environmentA(version(1))] });
    const before = await Promise.all(questions(app));
    await publish("clientA", documentText(version(2)));
    const after = await Promise.all(questions(app));
    for (const [index, answer] of after.entries()) {
      expect(flagsOf(answer).map((flag) => flag.feature_state_value)).toEqual([2, 2, 2]);
      expect(answer.headers.get(updatedAt)).toBe("1713428162.5");
      expect(before[index]?.headers.get(updatedAt)).toBe("1713428161.5");
      const etag = answer.headers.get("etag");
      if (etag !== null) expect(etag).not.toBe(before[index]?.headers.get("etag"));
    }
    const document = await ask(app, "/api/v1/environment-document/", { key: "ser.A" });
    expect(document.text).toBe(documentText(version(2)));
    expect(document.headers.get(updatedAt)).toBe("1713428162.5");
  });

  it("is not mixed with another in one answer, while documents change under load", async () => {
    const { app, publish } = await createTestApp({ environments: [environmentA(version(1))] });
    const publishing = (async () => {
      for (let number = 2; number < 30; number += 1) await publish("clientA", documentText(version(number)));
    })();
    const seen = new Set<unknown>();
    for (let turn = 0; turn < 100; turn += 1) {
      for (const answer of await Promise.all(questions(app))) {
        const values = new Set(flagsOf(answer).map((flag) => flag.feature_state_value));
        expect(values.size).toBe(1);
        const [value] = values;
        expect(answer.headers.get(updatedAt)).toBe(`${1_713_428_160 + Number(value)}.5`);
        seen.add(value);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await publishing;
    expect(seen.size).toBeGreaterThan(1);
  });

  it("does not reach a request that began before it", async () => {
    const { app, publish } = await createTestApp({ environments: [environmentA(version(1))] });
    const body = new TransformStream<Uint8Array, Uint8Array>();
    const init = {
      method: "POST",
      headers: { "x-environment-key": "clientA" },
      body: body.readable,
      duplex: "half",
    };
    const answering = app.request(new Request("http://proxy.test/api/v1/identities/", init as RequestInit));
    const writer = body.writable.getWriter();
    await writer.write(Buffer.from(`{"identifier":`));
    await publish("clientA", documentText(version(2)));
    await writer.write(Buffer.from(`"x"}`));
    await writer.close();
    const response = await answering;
    const json = (await response.json()) as { flags: { feature_state_value: unknown }[] };
    expect(json.flags.map((flag) => flag.feature_state_value)).toEqual([1, 1, 1]);
    expect(response.headers.get(updatedAt)).toBe("1713428161.5");
  });

  it("leaves the neighbours' documents and ETags alone", async () => {
    const environmentB = {
      clientSideKey: "clientB",
      serverSideKey: "ser.B",
      document: documentText({ key: "b" }),
    };
    const { app, publish } = await createTestApp({ environments: [environmentA(version(1)), environmentB] });
    const before = await ask(app, "/api/v1/flags/", { key: "clientB" });
    await publish("clientA", documentText(version(2)));
    const after = await ask(app, "/api/v1/flags/", { key: "clientB" });
    expect(after.text).toBe(before.text);
    expect([...after.headers]).toEqual([...before.headers]);
  });
});

describe("a document that cannot be used", () => {
  const bad = [
    "",
    "{",
    "null",
    "[]",
    "{}",
    `{"api_key":"clientA"}`,
    documentText().replace(`"feature_states"`, `"x"`),
  ];

  it.each(bad)("leaves the one that is served in place: %.30s", async (text) => {
    const { app, publish } = await createTestApp({ environments: [environmentA(version(1))] });
    const before = await Promise.all(questions(app));
    await expect(publish("clientA", text)).rejects.toThrow();
    const after = await Promise.all(questions(app));
    for (const [index, answer] of after.entries()) {
      expect(answer.text).toBe(before[index]?.text);
      expect([...answer.headers]).toEqual([...(before[index]?.headers ?? [])]);
    }
    expect(namesOf(after[0]!)).toEqual(["a", "b", "c"]);
  });
});
