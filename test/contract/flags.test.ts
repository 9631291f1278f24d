/** Contract A4: GET flags, the flag object, and how a feature is found by its name. */
import { describe, expect, it } from "vitest";
import {
  condition,
  type DocumentOptions,
  environmentA,
  feature,
  identityOverride,
  number,
  segment,
} from "../support/contract-documents.ts";
import {
  ask,
  expectError,
  flagsOf,
  flagValue,
  jsonOf,
  namesOf,
  serverKey,
} from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const createApp = async (options: DocumentOptions) =>
  (await createTestApp({ environments: [environmentA(options)] })).app;
const path = "/api/v1/flags/";

describe("GET flags", () => {
  it("answers flag objects of exactly these members in exactly this order", async () => {
    const features = [
      feature(11, "color", { value: "blue" }),
      feature(12, "split", { enabled: false, value: 5, variants: [[50, "x", "k"]] }),
    ];
    const app = await createApp({ features });
    const color =
      `{"feature":{"id":11,"name":"color","type":"STANDARD"},` +
      `"enabled":true,"feature_state_value":"blue"}`;
    const split =
      `{"feature":{"id":12,"name":"split","type":"MULTIVARIATE"},` +
      `"enabled":false,"feature_state_value":5}`;
    for (const key of ["clientA", "ser.A"]) {
      expect((await ask(app, path, { key })).text).toBe(`[${color},${split}]`);
      expect((await ask(app, `${path}?feature=color`, { key })).text).toBe(color);
      expect((await ask(app, `${path}?feature=split`, { key })).text).toBe(split);
    }
  });

  it("keeps the document's order, whatever names and ids say", async () => {
    const names = ["zebra", "10", "2", "apple", "1", "Ünï", "__proto__", "0"];
    const features = names.map((name, index) => feature(100 - index, name));
    const app = await createApp({ features });
    expect(namesOf(await ask(app, path))).toEqual(names);
    expect(namesOf(await ask(app, "/api/v1/identities/?identifier=x"))).toEqual(names);
  });

  it("answers an empty list for an environment without features", async () => {
    const app = await createApp({ features: [] });
    expect((await ask(app, path)).text).toBe("[]");
  });

  it("never applies a segment or an identity override, and serves the control value", async () => {
    const everyone = { id: 1, name: "all", rules: [{ type: "NONE", rules: [], conditions: [] }] };
    const overriding = (id: number, base: object) => ({
      ...base,
      id,
      feature_states: [feature(1, "plain", { value: "segment", priority: 0 })],
    });
    const app = await createApp({
      features: [
        feature(1, "plain", { value: "environment" }),
        feature(2, "split", { value: "control", variants: [[100, "variant", "v"]] }),
      ],
      segments: [
        overriding(1, { ...everyone, rules: [{ type: "ALL", rules: [], conditions: [] }] }),
        overriding(2, segment(2, [condition("age", "IS_NOT_SET", "")])),
        overriding(3, segment(3, [condition("$.environment.name", "EQUAL", "Development")])),
      ],
      overrides: [identityOverride("", [feature(1, "plain", { value: "identity" })])],
    });
    for (const key of ["clientA", "ser.A"]) {
      const answer = await ask(app, path, { key });
      expect(flagValue(answer, "plain")).toBe("environment");
      expect(flagValue(answer, "split")).toBe("control");
    }
    // The segments are real: an identity gets them.
    const answer = await ask(app, "/api/v1/identities/?identifier=x");
    expect([flagValue(answer, "plain"), flagValue(answer, "split")]).toEqual(["segment", "variant"]);
  });
});

describe("?feature=", () => {
  const features = [
    feature(1, "Checkout", { value: "upper" }),
    feature(2, "checkout", { value: "lower" }),
    feature(3, "Élan", { value: "accent" }),
    feature(4, "a b&c=d/é", { value: "odd" }),
  ];
  const found = async (query: string, key?: string) => {
    const app = await createApp({ features });
    const answer = await ask(app, `${path}?feature=${query}`, key === undefined ? {} : { key });
    expect(answer.status).toBe(200);
    return (JSON.parse(answer.text) as { feature_state_value: string }).feature_state_value;
  };

  it("matches exactly, else case-insensitively, the first of the document", async () => {
    expect(await found("Checkout")).toBe("upper");
    expect(await found("checkout")).toBe("lower");
    expect(await found("CHECKOUT")).toBe("upper");
    expect(await found("%C3%A9LAN")).toBe("accent");
    expect(await found("CHECKOUT", serverKey)).toBe("upper");
  });

  it("finds in another case only what the view shows", async () => {
    const app = await createApp({ features, serverOnly: [1] });
    const answers = await Promise.all(
      ["clientA", serverKey].map((key) => ask(app, `${path}?feature=CHECKOUT`, { key })),
    );
    expect(answers.map((answer) => jsonOf(answer))).toMatchObject([
      { feature_state_value: "lower" },
      { feature_state_value: "upper" },
    ]);
  });

  it("is answered alike each time, whichever spelling asked first", async () => {
    const app = await createApp({ features });
    const queries = ["CHECKOUT", "Checkout", "%43heckout", "Checkout"];
    const answers = [];
    for (const query of queries) answers.push(await ask(app, `${path}?feature=${query}`));
    const [first] = answers;
    for (const { status, text, headers } of answers) {
      expect([status, text, headers.get("etag")]).toEqual([200, first?.text, first?.headers.get("etag")]);
    }
  });

  it("is decoded as a query is", async () => {
    expect(await found(encodeURIComponent("a b&c=d/é"))).toBe("odd");
    expect(await found("a+b%26c%3Dd%2F%C3%A9")).toBe("odd");
  });

  it("is the whole list where it is empty", async () => {
    const app = await createApp({ features });
    const list = await ask(app, path);
    expect((await ask(app, `${path}?feature=`)).text).toBe(list.text);
    expect((await ask(app, `${path}?feature`)).text).toBe(list.text);
    expect((await ask(app, `${path}?other=1`)).text).toBe(list.text);
  });

  it("counts once: the first of several (reliability E22)", async () => {
    expect(await found("Checkout&feature=checkout")).toBe("upper");
  });

  const unknown = ["nope", "check", "checkout ", "__proto__", "constructor", "toString", "x".repeat(8000)];

  it.each(unknown)("answers 404 to a name that no feature has: %.20s", async (name) => {
    const app = await createApp({ features });
    const expected = `feature '${name}' not found`;
    for (const start of [`${path}?`, "/api/v1/identities/?identifier=x&"]) {
      const answer = await ask(app, `${start}feature=${encodeURIComponent(name)}`);
      expectError(answer, 404, "not_found", expected);
    }
  });
});

describe("number text", () => {
  const texts = [
    "1.0",
    "9007199254740993",
    "123456789012345678901234567890",
    "-0",
    "1e3",
    "1E+3",
    "-0.0",
    "1.50",
  ];

  it.each(texts)("stays %s in lists, single flags, identities and variants", async (text) => {
    const features = [
      feature(1, "plain", { value: number(text) }),
      feature(2, "split", { value: number("2.0"), variants: [[100, number(text), null]] }),
    ];
    const app = await createApp({ features });
    const plain = `"name":"plain","type":"STANDARD"},"enabled":true,"feature_state_value":${text}`;
    expect((await ask(app, path)).text).toContain(`${plain}}`);
    expect((await ask(app, `${path}?feature=plain`)).text).toContain(`${plain}}`);
    const identity = await ask(app, "/api/v1/identities/?identifier=x");
    expect(identity.text).toContain(`${plain},"variant":null}`);
    expect(identity.text).toContain(`"feature_state_value":${text},"variant":null}]`);
    expect(flagsOf(identity)).toHaveLength(2);
  });
});
