/**
 * The engine against the one in the npm package flagsmith-nodejs, on made-up documents. That engine differs
 * from the reference in many ways (contract B 5.8), so documents keep to where the two agree: traits of the
 * type that is asked for, no two equal priorities, ascending ids, percentage splits by the identity alone.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Flagsmith, LocalFileHandler } from "flagsmith-nodejs";
import { afterAll, expect, it } from "vitest";
import { compileEnvironment } from "../../src/engine/compile-environment.ts";
import { Evaluation, identityContext } from "../../src/engine/evaluate.ts";
import { environmentDocument } from "../../src/models/environment-document.ts";
import { type Json, state, variant, variants } from "../support/engine-documents.ts";
import { fuzzRuns, fuzzTimeoutMs } from "../support/fuzz-runs.ts";

const environmentKey = "env";
const word = fc.constantFrom("gold", "silver", "go", "old", "bronze");
const whole = fc.integer({ min: 1, max: 30 });
const fraction = whole.map((number) => number + 0.5);
const version = fc
  .tuple(whole, whole, fc.constantFrom("", "-alpha", "-alpha.1", "-beta.11", "-rc.2"))
  .map(([major, minor, prerelease]) => `${major % 3}.${minor % 3}.0${prerelease}`);
const ordering = ["GREATER_THAN", "GREATER_THAN_INCLUSIVE", "LESS_THAN", "LESS_THAN_INCLUSIVE"];

function conditionOn(
  property: string,
  operators: readonly string[],
  value: fc.Arbitrary<unknown>,
): fc.Arbitrary<Json> {
  return fc.record({
    property_: fc.constant(property),
    operator: fc.constantFrom(...operators),
    value: value.map(String),
  });
}

const condition: fc.Arbitrary<Json> = fc.oneof(
  conditionOn("plan", ["EQUAL", "NOT_EQUAL", "CONTAINS", "NOT_CONTAINS", ...ordering], word),
  conditionOn(
    "plan",
    ["IN"],
    fc.oneof(
      fc.array(word).map(String),
      fc.array(word).map((each) => JSON.stringify(each)),
    ),
  ),
  conditionOn(
    "plan",
    ["REGEX"],
    fc.array(word, { minLength: 1 }).map((words) => `^(?:${words.join("|")})$`),
  ),
  conditionOn("age", ["EQUAL", "NOT_EQUAL", ...ordering], whole),
  conditionOn("age", ["IN"], fc.array(whole)),
  conditionOn(
    "age",
    ["MODULO"],
    fc.tuple(whole, whole).map(([a, b]) => `${a}|${b % a}`),
  ),
  conditionOn("score", ["EQUAL", "NOT_EQUAL", ...ordering], fraction),
  conditionOn("beta", ["EQUAL", "NOT_EQUAL"], fc.constantFrom("true", "false", "True", "False")),
  conditionOn(
    "version",
    ["EQUAL", ...ordering],
    version.map((each) => `${each}:semver`),
  ),
  conditionOn(
    "$.identity.identifier",
    ["EQUAL", "IN", "PERCENTAGE_SPLIT"],
    fc.constantFrom("ann", "bob", "50"),
  ),
  conditionOn("$.environment.name", ["EQUAL", "NOT_EQUAL"], fc.constantFrom("Env", "Other")),
  conditionOn("", ["PERCENTAGE_SPLIT"], fc.integer({ min: 0, max: 100 })),
  ...["plan", "age", "score", "beta", "version", "other"].map((trait) =>
    conditionOn(trait, ["IS_SET", "IS_NOT_SET"], fc.constant("")),
  ),
);

const { rule } = fc.letrec<{ rule: Json }>((tie) => ({
  rule: fc.record({
    type: fc.constantFrom("ALL", "ANY", "NONE"),
    conditions: fc.array(condition, { maxLength: 3 }),
    rules: fc.oneof(
      { maxDepth: 2, withCrossShrink: true },
      fc.constant([]),
      fc.array(tie("rule"), { maxLength: 3 }),
    ),
  }),
}));

const multivariate = fc
  .uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 4 })
  .chain((ids) =>
    fc.tuple(
      ...ids.map((id) => fc.constantFrom(0, 12.5, 30, 60).map((weight) => variant(`v${id}`, weight, { id }))),
    ),
  );

const featureNames = ["f", "g", "h"];
const states = fc
  .record({ name: fc.constantFrom(...featureNames), enabled: fc.boolean(), id: fc.nat(), multivariate })
  .map(({ name, enabled, id, multivariate: shares }) =>
    state(name, `${name}${id}`, { enabled, django_id: id + 1, ...variants(...shares) }),
  );

const documents = fc
  .record({
    features: fc.uniqueArray(states, { selector: (each) => (each["feature"] as Json)["name"] }),
    segments: fc.array(
      fc.record({
        rules: fc.array(rule, { maxLength: 2 }),
        states: fc.array(states, { maxLength: 3 }),
        priorities: fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
      }),
      { maxLength: 5 },
    ),
    order: fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }),
    overridden: fc.uniqueArray(fc.constantFrom("ann", "bob", "cid"), { maxLength: 2 }),
  })
  .map(({ features, segments, order, overridden }) => ({
    id: 1,
    api_key: environmentKey,
    name: "Env",
    feature_states: features,
    project: {
      id: 1,
      name: "Project",
      organisation: { id: 1, name: "Organisation" },
      segments: segments.map(({ rules, states, priorities }, index) => ({
        id: index + 1,
        name: `segment ${index}`,
        rules,
        feature_states: states.map((each, place) => ({
          ...each,
          feature_segment: { priority: (order[index] ?? 0) * 3 + (priorities[place] ?? 0) },
        })),
      })),
    },
    // Without variants: that engine may hash them by the key of another identity's override.
    identity_overrides: overridden.map((identifier) => ({
      identifier,
      environment_api_key: environmentKey,
      identity_traits: [],
      identity_features: featureNames.slice(1).map((name) => state(name, `${identifier}'s`, variants())),
    })),
  }));

const traitSets = fc.record(
  { plan: word, age: whole, score: fraction, beta: fc.boolean(), version },
  { requiredKeys: [] },
);

type Traits = Readonly<Record<string, string | number | boolean>>;

interface Answer {
  readonly flags: Readonly<
    Record<
      string,
      { readonly enabled: boolean; readonly value: unknown; readonly reason: string | undefined }
    >
  >;
  readonly segments: readonly string[];
}

function ours(document: Json, identifier: string, traits: Traits): Answer {
  const compiled = compileEnvironment(environmentDocument.parse(document));
  const identity = identityContext(environmentKey, identifier, new Map(Object.entries(traits)));
  const evaluation = new Evaluation(compiled, identity);
  return {
    flags: Object.fromEntries(
      compiled.features.map(({ index, name }) => {
        const { enabled, value, reason } = evaluation.outcomeOf(index);
        return [name, { enabled, value, reason }];
      }),
    ),
    segments: compiled.segments.filter((_, index) => evaluation.isInSegment(index)).map(({ name }) => name),
  };
}

const folder = mkdtempSync(join(tmpdir(), "flagsmith-nodejs-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** That package takes a whole document from a file alone. */
async function theirs(document: Json, identifier: string, traits: Traits): Promise<Answer> {
  const file = join(folder, "environment.json");
  writeFileSync(file, JSON.stringify(document));
  const offlineHandler = new LocalFileHandler(file);
  const client = new Flagsmith({ offlineMode: true, enableLocalEvaluation: true, offlineHandler });
  const flags = await client.getIdentityFlags(identifier, traits);
  const segments = await client.getIdentitySegments(identifier, traits);
  return {
    flags: Object.fromEntries(
      Object.entries(flags.flags).map(([name, { enabled, value, reason }]) => [
        name,
        { enabled, value, reason },
      ]),
    ),
    segments: segments.map(({ name }) => name),
  };
}

const title = "answers as flagsmith-nodejs does where that agrees with the reference, from seed $seed";
it.each(fuzzRuns(400))(title, { timeout: fuzzTimeoutMs() }, async (run) => {
  const identifiers = fc.constantFrom("ann", "bob", "dora");
  const agree = fc.asyncProperty(documents, identifiers, traitSets, async (document, identifier, traits) => {
    expect(ours(document, identifier, traits)).toEqual(await theirs(document, identifier, traits));
  });
  await fc.assert(agree, run);
});
