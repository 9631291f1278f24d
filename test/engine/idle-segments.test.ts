/** Segments that override nothing: not compiled to be served, and yet their patterns are told of. */
import { expect, test } from "vitest";
import { type CompiledEnvironment, compileInSteps } from "../../src/engine/compile-environment.ts";
import { Evaluation, identityContext } from "../../src/engine/evaluate.ts";
import { runAtOnce } from "../../src/engine/run-at-once.ts";
import { environmentDocument } from "../../src/models/environment-document.ts";

const flag = (value: string) => ({
  feature: { id: 1, name: "one" },
  enabled: true,
  feature_state_value: value,
});
const condition = (operator: string, property: string, value: string) => ({
  operator,
  property_: property,
  value,
});
const segment = (name: string, conditions: readonly object[], overrides: readonly object[] = []) => ({
  id: name.length,
  name,
  rules: [{ type: "ALL", rules: [{ type: "ANY", conditions }] }],
  feature_states: overrides,
});

function compileAsServed(segments: readonly object[]): CompiledEnvironment {
  const document = environmentDocument.parse({
    api_key: "k",
    name: "production",
    feature_states: [flag("own")],
    project: { segments },
  });
  const options = { findOverrides: () => [], fragmentOf: () => ({ text: "", bytes: 0 }) };
  return runAtOnce(compileInSteps(document, { ...options, compilesIdleSegments: false, answerPlaces: 1000 }));
}

test("only segments that override a feature are compiled, and all are counted", () => {
  const everybody = condition("IS_SET", "plan", "");
  const { segments, segmentCount, properties } = compileAsServed([
    segment("a", [condition("EQUAL", "idle", "x")]),
    segment("bc", [everybody], [flag("overridden")]),
    segment("def", [condition("EQUAL", "idle too", "x")]),
  ]);
  expect(segmentCount).toBe(3);
  expect(segments.map(({ name }) => name)).toEqual(["bc"]);
  expect(properties).toHaveLength(1);
});

test("patterns that may not run are told of each segment that has them, compiled or not", () => {
  const repeats = condition("REGEX", "plan", "(a)\\1");
  const { refusedPatterns } = compileAsServed([
    segment("a", [repeats, condition("REGEX", "plan", "fine")]),
    segment("bc", [repeats], [flag("overridden")]),
    segment("def", [condition("EQUAL", "plan", "(a)\\1"), repeats]),
  ]);
  const told = refusedPatterns.map(({ segmentName, pattern, refusal }) => [segmentName, pattern, refusal]);
  expect(told).toEqual(["bc", "a", "def"].map((name) => [name, "(a)\\1", "unsupported"]));
});

test.each(["$.segments['1'].name", "$.segments.*.name", "$.environment.name", "$.features.one.value"])(
  "the path %s sees the whole context, segments that are not compiled included",
  (path) => {
    const values = { segments: "a", environment: "production", features: "own" };
    const [, root = ""] = /^\$\.(\w+)/.exec(path) ?? [];
    const compiled = compileAsServed([
      segment("a", [condition("EQUAL", "idle", "x")]),
      segment("bc", [condition("EQUAL", path, values[root as keyof typeof values])], [flag("overridden")]),
    ]);
    const evaluation = new Evaluation(compiled, identityContext("k", "somebody", new Map()));
    expect(evaluation.outcomeOf(0).value).toBe("overridden");
  },
);
