/**
 * Makes the static context in steps, before anything is compiled: of 10 MiB of segments it takes a tenth of a
 * second, and a condition that needs it is compiled at once.
 */
import type {
  EnvironmentDocument,
  FeatureStateModel,
  RuleModel,
  SegmentModel,
} from "../models/environment-document.ts";
import type { StaticContext } from "./context-paths.ts";
import type { PathValue } from "./json-path/path-values.ts";
import { buildStaticContext } from "./static-context.ts";

/**
 * A step is a segment.
 * @param document gives the environment
 * @param states the features, one per name
 * @param segments one per id
 * @param compiled those of them that are to be compiled
 * @returns gives the context; where no condition seemed to need it, it is made when it is first asked for
 */
export function* prepareStaticContext(
  document: EnvironmentDocument,
  states: readonly FeatureStateModel[],
  segments: readonly SegmentModel[],
  compiled: readonly SegmentModel[],
): Generator<undefined, () => StaticContext> {
  let context: StaticContext | null = null;
  if (yield* someNeedsContext(compiled)) {
    const byId = new Map<string, PathValue>();
    for (const segment of segments) {
      const one = buildStaticContext(document, [], [segment]).get("segments");
      byId.set(String(segment.id), (one as ReadonlyMap<string, PathValue>).get(String(segment.id)) ?? null);
      yield;
    }
    context = new Map([...buildStaticContext(document, states, []), ["segments", byId]]);
  }
  return () => {
    context ??= buildStaticContext(document, states, segments);
    return context;
  };
}

function* someNeedsContext(segments: readonly SegmentModel[]): Generator<undefined, boolean> {
  for (const { rules } of segments) {
    if (rules?.some(needsContext)) return true;
    yield;
  }
  return false;
}

/** Paths to the identity itself do without. */
function needsContext({ conditions, rules }: RuleModel): boolean {
  const paths = conditions?.some(({ property_: property }) => /^\$\.(?!identity\b)/.test(property ?? ""));
  return paths === true || rules?.some(needsContext) === true;
}
