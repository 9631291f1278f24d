/** Contract A2: what a client key does not see, and that it does not see it anywhere. */
import { describe, expect, it } from "vitest";
import {
  type DocumentOptions,
  environmentA,
  feature,
  identityOverride,
} from "../support/contract-documents.ts";
import { ask, expectError, flagsOf, namesOf, serverKey } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const createApp = async (options: DocumentOptions) =>
  (await createTestApp({ environments: [environmentA(options)] })).app;

const bulk = "/api/v1/bulk-identities/";
const identities = "/api/v1/identities/";

describe("a server-only feature", () => {
  const options: DocumentOptions = {
    features: [feature(1, "open"), feature(2, "Hidden", { value: "secret" }), feature(3, "last")],
    serverOnly: [2],
    overrides: [identityOverride("vip", [feature(2, "Hidden", { value: "secret" })])],
  };

  it.each([false, true])("is absent for client keys with hide_disabled_flags=%s", async (hides) => {
    const app = await createApp({ ...options, projectHidesDisabled: hides });
    expect(namesOf(await ask(app, "/api/v1/flags"))).toEqual(["open", "last"]);
    expect(namesOf(await ask(app, `${identities}?identifier=vip`))).toEqual(["open", "last"]);
    expect(namesOf(await ask(app, identities, { body: { identifier: "vip" } }))).toEqual(["open", "last"]);
    const many = await ask(app, bulk, { body: { data: [{ identifier: "vip" }, {}] } });
    expect(many.text).not.toMatch(/secret|Hidden/);
  });

  it.each(["Hidden", "hidden", "HIDDEN"])("is not found as ?feature=%s by client keys", async (name) => {
    const app = await createApp(options);
    for (const path of ["/api/v1/flags/?", `${identities}?identifier=vip&`, `${identities}?identifier=x&`]) {
      const hidden = await ask(app, `${path}feature=${name}`);
      expectError(hidden, 404, "not_found", `feature '${name}' not found`);
      const unknown = await ask(app, `${path}feature=nope`);
      const withoutName = (text: string) => text.replace(name, "").replace("nope", "");
      expect(withoutName(unknown.text)).toBe(withoutName(hidden.text));
    }
  });

  it("is there for server keys, in its place", async () => {
    const app = await createApp(options);
    const all = ["open", "Hidden", "last"];
    expect(namesOf(await ask(app, "/api/v1/flags", { key: serverKey }))).toEqual(all);
    expect(namesOf(await ask(app, `${identities}?identifier=x`, { key: serverKey }))).toEqual(all);
    expect(namesOf(await ask(app, identities, { key: serverKey, body: { identifier: "x" } }))).toEqual(all);
    const one = await ask(app, "/api/v1/flags?feature=Hidden", { key: serverKey });
    expect(one.text).toContain("secret");
  });
});

describe("hide_disabled_flags", () => {
  const features = [feature(1, "on"), feature(2, "off", { enabled: false })];
  const cases: readonly (readonly [boolean | null, boolean, boolean])[] = [
    [null, false, false],
    [null, true, true],
    [false, true, false],
    [true, false, true],
    [true, true, true],
    [false, false, false],
  ];

  it.each(cases)("environment %s, project %s: hides is %s", async (environment, project, hides) => {
    const app = await createApp({ features, hidesDisabled: environment, projectHidesDisabled: project });
    const seen = hides ? ["on"] : ["on", "off"];
    expect(namesOf(await ask(app, "/api/v1/flags"))).toEqual(seen);
    expect(namesOf(await ask(app, `${identities}?identifier=x`))).toEqual(seen);
    expect(namesOf(await ask(app, identities, { body: { identifier: "x" } }))).toEqual(seen);
    const status = hides ? 404 : 200;
    expect((await ask(app, "/api/v1/flags?feature=off")).status).toBe(status);
    expect((await ask(app, `${identities}?identifier=x&feature=off`)).status).toBe(status);
  });

  it.each(cases)("environment %s, project %s: server keys see all", async (environment, project) => {
    const app = await createApp({ features, hidesDisabled: environment, projectHidesDisabled: project });
    const seen = ["on", "off"];
    expect(namesOf(await ask(app, "/api/v1/flags", { key: serverKey }))).toEqual(seen);
    expect(namesOf(await ask(app, identities, { key: serverKey, body: { identifier: "x" } }))).toEqual(seen);
    expect((await ask(app, "/api/v1/flags?feature=off", { key: serverKey })).status).toBe(200);
  });

  it("hides a feature that is asked for by name, and none of a name in another case stands in", async () => {
    const twins = [feature(1, "Foo", { enabled: false }), feature(2, "foo")];
    const app = await createApp({ features: twins, hidesDisabled: true });
    for (const [name, status] of [
      ["Foo", 404],
      ["FOO", 404],
      ["foo", 200],
    ] as const) {
      expect((await ask(app, `/api/v1/flags?feature=${name}`)).status).toBe(status);
      expect((await ask(app, `${identities}?identifier=x&feature=${name}`)).status).toBe(status);
    }
  });

  it("is decided after overrides: they show a flag, or hide it", async () => {
    const overrides = [
      identityOverride("vip", [feature(2, "off", { enabled: true }), feature(1, "on", { enabled: false })]),
    ];
    const app = await createApp({ features, overrides, hidesDisabled: true });
    expect(namesOf(await ask(app, identities, { body: { identifier: "vip" } }))).toEqual(["off"]);
    expect(namesOf(await ask(app, identities, { body: { identifier: "other" } }))).toEqual(["on"]);
    const shown = await ask(app, `${identities}?identifier=vip&feature=off`);
    expect(flagsOf(shown)).toHaveLength(1);
    expectError(
      await ask(app, `${identities}?identifier=vip&feature=on`),
      404,
      "not_found",
      "feature 'on' not found",
    );
  });
});
