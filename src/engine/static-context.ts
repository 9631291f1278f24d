/**
 * The evaluation context as the Python SDK maps it from a document (contract B 5.7), without the identity:
 * what JSONPaths search. Members stand in the SDK's order, and those that it leaves out are left out here.
 */
import type {
  EnvironmentDocument,
  FeatureStateModel,
  MultivariateValueModel,
  RuleModel,
  SegmentModel,
} from "../models/environment-document.ts";
import { isJsonObject, isScalar, JsonNumber } from "../models/json.ts";
import type { StaticContext } from "./context-paths.ts";
import { hashKeyOf, variantPriorityOf } from "./feature-state-keys.ts";
import type { PathValue } from "./json-path/path-values.ts";

/**
 * A step is a segment.
 * @param document gives the environment
 * @param states the features, one per name
 * @param segments one per id
 */
export function* staticContextInSteps(
  document: EnvironmentDocument,
  states: readonly FeatureStateModel[],
  segments: readonly SegmentModel[],
): Generator<undefined, StaticContext> {
  const segmentsById = new Map<string, PathValue>();
  for (const segment of segments) {
    segmentsById.set(String(segment.id), segmentContext(segment));
    yield;
  }
  return new Map([
    ["environment", pathMap({ key: document.api_key, name: document.name ?? null })],
    ["features", new Map(states.map((state) => [state.feature.name, featureContext(state)]))],
    ["segments", segmentsById],
  ]);
}

function segmentContext(segment: SegmentModel): PathValue {
  return pathMap({
    key: String(segment.id),
    name: segment.name,
    rules: (segment.rules ?? []).map(ruleContext),
    overrides: (segment.feature_states ?? []).map(featureContext),
    metadata: pathMap({ id: segment.id, source: "api" }),
  });
}

function ruleContext({ type, conditions, rules }: RuleModel): PathValue {
  return pathMap({
    type,
    conditions: (conditions ?? []).map(({ property_: property, operator, value }) =>
      pathMap({ property: property ?? "", operator, value: pathValue(value ?? "") }),
    ),
    rules: (rules ?? []).map(ruleContext),
  });
}

function featureContext(state: FeatureStateModel): PathValue {
  const variants = state.multivariate_feature_state_values ?? [];
  const priority = state.feature_segment?.priority ?? undefined;
  return pathMap({
    key: hashKeyOf(state),
    name: state.feature.name,
    enabled: state.enabled,
    value: state.feature_state_value,
    metadata: pathMap({ id: state.feature.id }),
    variants: variants.length > 0 ? variants.map(variantContext) : undefined,
    priority,
  });
}

function variantContext(variant: MultivariateValueModel): PathValue {
  const { value, key } = variant.multivariate_feature_option;
  const priority = variantPriorityOf(variant);
  return pathMap({
    value,
    weight: variant.percentage_allocation ?? 0,
    priority: typeof priority === "bigint" ? new JsonNumber(String(priority)) : priority,
    key: key ?? undefined,
  });
}

/** Members that are undefined are left out. */
function pathMap(members: Readonly<Record<string, PathValue | undefined>>): ReadonlyMap<string, PathValue> {
  const present = Object.entries(members).filter(
    (entry): entry is [string, PathValue] => entry[1] !== undefined,
  );
  return new Map(present);
}

/** Any parsed JSON value as paths see it. */
function pathValue(value: unknown): PathValue {
  if (Array.isArray(value)) return value.map(pathValue);
  if (isJsonObject(value)) return new Map(Object.entries(value).map(([key, each]) => [key, pathValue(each)]));
  return isScalar(value) ? value : null;
}
