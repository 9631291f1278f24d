/** Builds environment documents from few words, and evaluates an identity that has the one trait `set`. */
import { compileEnvironment } from "../../src/engine/compile-environment.ts";
import type { Outcome } from "../../src/engine/compile-outcomes.ts";
import { Evaluation, identityContext } from "../../src/engine/evaluate.ts";
import { environmentDocument } from "../../src/models/environment-document.ts";

export type Json = Readonly<Record<string, unknown>>;

/** A feature state; its key is 12345, so that `test_env_foobar` hashes to 51.99 % (contract B 5.3). */
export function state(name: string, value: unknown, more: Json = {}): Json {
  return { feature: { id: 1, name }, enabled: true, feature_state_value: value, django_id: 12345, ...more };
}

export function segment(id: number, rules: readonly Json[], states: readonly Json[] = []): Json {
  return { id, name: `segment ${id}`, rules, feature_states: states };
}

const setCondition = { operator: "IS_SET", property_: "set", value: null };

/** A segment that everybody is in. */
export function everybody(id: number, ...states: readonly Json[]): Json {
  return segment(id, [{ type: "ALL", conditions: [setCondition] }], states);
}

export function prioritized(priority: unknown): Json {
  return { feature_segment: { priority } };
}

export function variant(value: unknown, weight: unknown, more: Json = {}): Json {
  const { key = null, ...rest } = more;
  return { percentage_allocation: weight, multivariate_feature_option: { value, key }, ...rest };
}

export function variants(...multivariate: readonly Json[]): Json {
  return { multivariate_feature_state_values: multivariate };
}

export interface Parts {
  readonly features?: readonly Json[];
  readonly segments?: readonly Json[];
  readonly overrides?: readonly Json[];
}

export function evaluate({ features = [], segments = [], overrides = [] }: Parts, identifier = "foobar") {
  const document = environmentDocument.parse({
    api_key: "test_env",
    name: "Test",
    feature_states: features,
    project: { segments },
    identity_overrides: overrides,
  });
  const compiled = compileEnvironment(document);
  const identity = identityContext(compiled.key, identifier, new Map([["set", 1]]));
  const evaluation = new Evaluation(compiled, identity);
  const flags = compiled.features.map(({ index }) => evaluation.outcomeOf(index));
  const names = compiled.segments.filter((_, index) => evaluation.isInSegment(index)).map(({ name }) => name);
  return { flags, segments: names };
}

export function flagOf(parts: Parts, identifier?: string): Pick<Outcome, "value" | "variant" | "reason"> {
  const [flag] = evaluate(parts, identifier).flags;
  if (flag === undefined) throw new Error("no flag");
  return { value: flag.value, variant: flag.variant, reason: flag.reason };
}
