/** Asks the engine about one condition, as the reference's cases do: one segment, one rule that holds it. */
import { compileEnvironment } from "../../src/engine/compile-environment.ts";
import { Evaluation, identityContext } from "../../src/engine/evaluate.ts";
import { environmentDocument } from "../../src/models/environment-document.ts";
import { isJsonObject, type JsonScalar } from "../../src/models/json.ts";

export interface ConditionCase {
  readonly property: string | null;
  readonly operator: string;
  /** Undefined: the condition has none. */
  readonly value: unknown;
  /** Names and values, in order. */
  readonly traits: readonly (readonly [string, unknown])[];
  /** What else the environment has: its features, and segments before the one asked about. */
  readonly document?: unknown;
}

/** Whether an identity `007` of the environment `env` is in segment 1, which has this one condition. */
export function matchesCondition({ property, operator, value, traits, document }: ConditionCase): boolean {
  const rest = isJsonObject(document) ? document : {};
  const project = isJsonObject(rest["project"]) ? rest["project"] : {};
  const others = Array.isArray(project["segments"]) ? project["segments"] : [];
  const conditions = [{ property_: property, operator, ...(value === undefined ? {} : { value }) }];
  const segment = { id: 1, name: "asked", rules: [{ type: "ALL", conditions }] };
  const compiled = compileEnvironment(
    environmentDocument.parse({
      feature_states: [],
      ...rest,
      api_key: "env",
      name: "Env",
      project: { ...project, segments: [...others, segment] },
    }),
  );
  const identity = identityContext("env", "007", new Map(traits as readonly [string, JsonScalar][]));
  return new Evaluation(compiled, identity).isInSegment(compiled.segments.length - 1);
}
