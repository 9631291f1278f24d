/** What the publisher says of the documents that it takes, and that a bad one changes nothing. */
import { expect, test } from "vitest";
import { createTestApp } from "../../support/test-app.ts";

const keys = { clientSideKey: "client_key_1", serverSideKey: "ser.server_key_1" };
const document = {
  id: 1,
  api_key: "client_key_1",
  feature_states: [],
  project: { segments: [], organisation: {} },
};

test("a document whose client key is not the configured one is served with one warning", async () => {
  const { lines, publish } = await createTestApp({ environments: [{ ...keys, document }] });
  const warnings = () => lines.filter(({ level }) => level === "warn").map(({ message }) => message);
  expect(warnings()).toEqual([]);
  await publish("client_key_1", { ...document, api_key: "another" });
  await publish("client_key_1", { ...document, api_key: "another", name: "changed" });
  expect(warnings()).toEqual([expect.stringContaining("api_key is not the configured client_side_key")]);
});

test("a pattern that cannot run is one warning that names its segment", async () => {
  const conditions = [{ operator: "REGEX", property_: "plan", value: "(a)\\1" }];
  const segment = { id: 1, name: "repeats", rules: [{ type: "ALL", conditions }], feature_states: [] };
  const { lines } = await createTestApp({
    environments: [{ ...keys, document: { ...document, project: { segments: [segment] } } }],
  });
  const [warning] = lines.filter(({ level }) => level === "warn");
  expect(warning?.fields).toMatchObject({ patterns: [{ segmentName: "repeats", pattern: "(a)\\1" }] });
});

test.each([null, 7, { operator: 7, property_: 7, value: 7 }, { property_: ["x"] }])(
  "a malformed condition (%j) never matches, and does not cost the document",
  async (condition) => {
    const flag = (value: string) => ({
      feature: { id: 1, name: "one" },
      enabled: true,
      feature_state_value: value,
    });
    const segment = {
      id: 1,
      name: "odd",
      rules: [{ type: "ALL", conditions: [condition] }],
      feature_states: [flag("overridden")],
    };
    const { app } = await createTestApp({
      environments: [
        {
          ...keys,
          document: { ...document, feature_states: [flag("own")], project: { segments: [segment] } },
        },
      ],
    });
    const answer = await app.request("/api/v1/identities/?identifier=x", {
      headers: { "X-Environment-Key": keys.clientSideKey },
    });
    expect(await answer.json()).toMatchObject({ flags: [{ feature_state_value: "own" }] });
  },
);
