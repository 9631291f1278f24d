/** Contract B 1.4: the bodies that each official SDK sends get 200 and the right answer. */
import { describe, expect, it } from "vitest";
import {
  condition,
  environmentA,
  feature,
  identityOverride,
  segment,
} from "../support/contract-documents.ts";
import { ask, flagValue, jsonOf } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const createApp = async () => {
  const adults = [condition("age", "GREATER_THAN_INCLUSIVE", "18"), condition("member", "EQUAL", "true")];
  const segments = [segment(1, adults, [feature(1, "one", { value: "adult", priority: 0 })])];
  const overrides = [identityOverride("vip", [feature(1, "one", { value: "vip" })])];
  return (await createTestApp({ environments: [environmentA({ segments, overrides })] })).app;
};
const path = "/api/v1/identities/";
/** SHA-256 of `age21memberTrue`, by Python's hashlib. */
const anonymous = "e9a7324c35367f14bc79a3c633413826d781d55067194dd703a5f89b702427b4";
const echo = (transient: boolean) =>
  `"traits":[{"trait_key":"age","trait_value":21${transient ? `,"transient":true` : ""}},` +
  `{"trait_key":"member","trait_value":true}]`;
const traits = `[{"trait_key":"age","trait_value":21},{"trait_key":"member","trait_value":true}]`;
const marked = (mark: string) =>
  `[{"trait_key":"age","trait_value":21,"transient":${mark}},` +
  `{"trait_key":"member","trait_value":true,"transient":false}]`;
const texts =
  `"traits":[{"trait_key":"age","trait_value":"21"},` + `{"trait_key":"member","trait_value":"true"}]`;

/** `[SDK, body, value of the flag, a part of the answer]` */
const bodies: readonly (readonly [string, string, string, string])[] = [
  ["Node", `{"identifier":"x","traits":${traits}}`, "adult", echo(false)],
  ["Node, transient", `{"identifier":"x","traits":${marked("true")},"transient":true}`, "adult", echo(true)],
  ["Node, no traits", `{"identifier":"vip","traits":[]}`, "vip", `"traits":[]`],
  ["Python and PHP", `{"identifier": "x", "traits": ${traits}}`, "adult", echo(false)],
  ["Ruby", `{"identifier":"x","transient":false,"traits":${marked("false")}}`, "adult", echo(false)],
  [".NET and Rust", `{"identifier":"x","traits":[],"transient":false}`, "first", `"traits":[]`],
  [
    ".NET, with traits",
    `{"identifier":"x","traits":${marked("true")},"transient":true}`,
    "adult",
    echo(true),
  ],
  ["Elixir, no traits", `{"identifier":"vip","transient":false}`, "vip", `"traits":[]`],
  ["Go, nothing but an identifier", `{"identifier":"x"}`, "first", `"traits":[]`],
  [
    "Go, with null",
    `{"identifier":"x","traits":[{"trait_key":"gone","trait_value":null},${traits.slice(1)}}`,
    "adult",
    echo(false),
  ],
  [
    "Java, null left out",
    `{"identifier":"x","traits":[{"trait_key":"gone"},${traits.slice(1)}}`,
    "adult",
    echo(false),
  ],
  ["Kotlin, all strings", `{"identifier":"x",${texts}}`, "adult", texts],
  ["iOS, null", `{"traits":${marked("null")},"identifier":"x","transient":false}`, "adult", echo(false)],
  ["iOS, true", `{"traits":${marked("true")},"identifier":"x","transient":true}`, "adult", echo(true)],
  [
    "Flutter",
    `{"identifier":"x","transient":true,` +
      `"traits":[{"id":12,"transient":true,"trait_key":"age","trait_value":21},` +
      `{"id":null,"trait_key":"member","trait_value":true}]}`,
    "adult",
    echo(true),
  ],
  ["Flutter, no traits", `{"identifier":"vip"}`, "vip", `"identifier":"vip"`],
  ["JS", `{"identifier":"x","traits":${marked("true")}}`, "adult", echo(true)],
  ["JS, anonymous", `{"traits":${traits}}`, "adult", `"identifier":"${anonymous}"`],
  [
    "JS, null",
    `{"identifier":null,"transient":true,"traits":${traits}}`,
    "adult",
    `"identifier":"${anonymous}"`,
  ],
  ["JS, empty", `{"identifier":"","traits":${traits}}`, "adult", `"identifier":"${anonymous}"`],
  ["REST, nulls", `{"identifier":"x","traits":null,"transient":null}`, "first", `"traits":[]`],
];

describe("POST identities/", () => {
  it.each(bodies)("answers the body of %s", async (_, body, value, part) => {
    const app = await createApp();
    for (const key of ["clientA", "ser.A"]) {
      const answer = await ask(app, path, { key, body, headers: { "content-type": "application/json" } });
      expect(flagValue(answer, "one")).toBe(value);
      expect(answer.text).toContain(part);
      const json = jsonOf(answer) as Record<string, unknown>;
      expect(json["identifier"]).toBeTypeOf("string");
      expect(Array.isArray(json["traits"]) && Array.isArray(json["flags"])).toBe(true);
    }
  });
});

describe("the other requests of SDKs", () => {
  it("answers GET identities of JS, Kotlin and iOS", async () => {
    const app = await createApp();
    for (const query of ["identifier=vip", "identifier=vip&transient=true"]) {
      const answer = await ask(app, `${path}?${query}`, { headers: { "content-type": "application/json" } });
      expect(jsonOf(answer)).toMatchObject({ identifier: "vip", traits: [] });
      expect(flagValue(answer, "one")).toBe("vip");
    }
  });

  it("answers bulk identities of Go", async () => {
    const body = `{"data":[{"identifier":"vip"},{"identifier":"x","traits":${traits}}]}`;
    const answers = jsonOf(await ask(await createApp(), "/api/v1/bulk-identities/", { body }));
    expect(answers).toMatchObject([{ identifier: "vip" }, { identifier: "x" }]);
  });

  it("answers all routes with the slash that every SDK writes, and the headers that they send", async () => {
    const headers = {
      "content-type": "application/json",
      accept: "application/json",
      "user-agent": "flagsmith-go-sdk/4.0.0",
      "flagsmith-sdk-user-agent": "flagsmith-js-sdk/9.0.0",
      "flagsmith-application-name": "app",
      "accept-encoding": "identity",
    };
    const app = await createApp();
    const flags = await ask(app, "/api/v1/flags/", { headers });
    expect([flags.status, Array.isArray(jsonOf(flags))]).toEqual([200, true]);
    const document = await ask(app, "/api/v1/environment-document/", { key: "ser.A", headers });
    expect(jsonOf(document)).toMatchObject({ project: { organisation: {} }, updated_at: expect.any(String) });
    expect(document.headers.has("link")).toBe(false);
  });
});
