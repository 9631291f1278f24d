/**
 * Makes the static context before anything is compiled, in steps: of 10 MiB of segments it takes a tenth of a
 * second, and a condition that needs it is compiled at once.
 */
import type {
  EnvironmentDocument,
  FeatureStateModel,
  RuleModel,
  SegmentModel,
} from "../models/environment-document.ts";
import type { StaticContext } from "./context-paths.ts";
import { runAtOnce } from "./run-at-once.ts";
import { staticContextInSteps } from "./static-context.ts";

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
  if (yield* someNeedsContext(compiled)) context = yield* staticContextInSteps(document, states, segments);
  return () => {
    context ??= runAtOnce(staticContextInSteps(document, states, segments));
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
