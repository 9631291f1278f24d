/**
 * Compiles an environment document once per version into what evaluation needs: features in order, override
 * candidates by priority, every possible outcome of every flag. Pure: no I/O, no clock, no logger.
 */
import type {
  EnvironmentDocument,
  FeatureStateModel,
  IdentityOverrideModel,
  SegmentModel,
} from "../models/environment-document.ts";
import {
  type CompiledFeature,
  type CompiledFeatureState,
  type Fragment,
  type FragmentMaker,
  OutcomeCompiler,
} from "./compile-outcomes.ts";
import { overridePriorityOf } from "./feature-state-keys.ts";
import { IdentityOverrides, type OverrideFinder } from "./identity-overrides.ts";
import { findRefusedPatterns } from "./idle-segments.ts";
import { prepareStaticContext } from "./prepare-static-context.ts";
import { answerPlacesMax, type Property } from "./property.ts";
import type { Rule } from "./rules.ts";
import { runAtOnce } from "./run-at-once.ts";
import { type RefusedPattern, SegmentCompiler } from "./segments.ts";

/** What an identity overrides, by feature index. */
export type IdentityOverride = ReadonlyMap<number, CompiledFeatureState>;

interface SegmentOverride {
  readonly segment: CompiledSegment;
  readonly state: CompiledFeatureState;
}

/** The same before its segment is compiled. */
interface RankedOverride {
  readonly segment: SegmentModel;
  readonly state: CompiledFeatureState;
}

export interface CompiledSegment {
  readonly name: string;
  readonly rule: Rule;
  /** Its place among the environment's segments. */
  readonly index: number;
}

export interface CompiledEnvironment {
  /** The document's `api_key`: the first half of each identity key. */
  readonly key: string;
  readonly features: readonly CompiledFeature[];
  /** By feature index. */
  readonly defaults: readonly CompiledFeatureState[];
  /** By feature index: candidates, the strongest first; the first whose segment matches wins. */
  readonly segmentOverrides: readonly (readonly SegmentOverride[])[];
  /** In document order; none of those that override nothing, unless all were to be compiled. */
  readonly segments: readonly CompiledSegment[];
  /** What conditions look at; rules name them by index. */
  readonly properties: readonly Property[];
  readonly identityOverrides: IdentityOverrides<IdentityOverride>;
  /** Of the document: those that are not compiled count too. */
  readonly segmentCount: number;
  readonly refusedPatterns: readonly RefusedPattern[];
}

export interface CompileOptions {
  /** Finds identity overrides; the document's own list is not looked at. */
  readonly findOverrides: OverrideFinder;
  readonly fragmentOf: FragmentMaker;
  /** Whether segments that override nothing are compiled too: flags never ask for them. */
  readonly compilesIdleSegments: boolean;
  /** How many answers to conditions it may remember, in all: its share of `answerPlacesMax`. */
  readonly answerPlaces: number;
}

const noFragment: Fragment = { text: "", bytes: 0 };

/**
 * Compiles in one go, identity overrides from the document's own list, outcomes without fragments.
 * @param compilesIdleSegments as in `CompileOptions`
 */
export function compileEnvironment(
  document: EnvironmentDocument,
  compilesIdleSegments = true,
): CompiledEnvironment {
  const byIdentifier = Map.groupBy(document.identity_overrides ?? [], ({ identifier }) => identifier);
  const findOverrides: OverrideFinder = (identifier) => byIdentifier.get(identifier) ?? [];
  const fragmentOf = () => noFragment;
  const options = { findOverrides, fragmentOf, compilesIdleSegments, answerPlaces: answerPlacesMax };
  return runAtOnce(compileInSteps(document, options));
}

/**
 * Compiles step by step, so that whoever drives it may do other things between two of them: a step is a
 * feature or a segment.
 *
 * @param document a document that passed `environmentDocument`
 * @returns the compiled environment; a segment that cannot be compiled never matches, nothing throws
 */
export function* compileInSteps(
  document: EnvironmentDocument,
  { findOverrides, fragmentOf, compilesIdleSegments, answerPlaces }: CompileOptions,
): Generator<undefined, CompiledEnvironment> {
  const states = lastByKey(document.feature_states, (state) => state.feature.name);
  const segments = lastByKey(document.project.segments ?? [], (segment) => String(segment.id));
  const features = states.map(compileFeature);
  const outcomes = new OutcomeCompiler(features, fragmentOf);
  const defaults: CompiledFeatureState[] = [];
  for (const state of states) {
    defaults.push(outcomes.compileKnown(state, "DEFAULT"));
    yield;
  }
  const ranked = yield* rankSegmentOverrides(features, segments, outcomes);
  const overriding = new Set(ranked.flatMap((each) => each.map(({ segment }) => segment)));
  const isCompiled = (segment: SegmentModel) => compilesIdleSegments || overriding.has(segment);
  const [chosen, left] = [segments.filter(isCompiled), segments.filter((each) => !isCompiled(each))];
  const staticContext = yield* prepareStaticContext(document, states, segments, chosen);
  const compiler = new SegmentCompiler(staticContext, answerPlaces);
  const compiled = new Map<SegmentModel, CompiledSegment>();
  for (const segment of chosen) {
    compiled.set(segment, { name: segment.name, rule: compiler.compile(segment), index: compiled.size });
    yield;
  }
  const withSegment = ({ segment, state }: RankedOverride): SegmentOverride => {
    return { segment: compiled.get(segment) as CompiledSegment, state };
  };
  return {
    key: document.api_key,
    features,
    defaults,
    segmentOverrides: ranked.map((overrides) => overrides.map(withSegment)),
    segments: [...compiled.values()],
    properties: compiler.properties,
    identityOverrides: compileWhenSeen(findOverrides, outcomes),
    segmentCount: segments.length,
    refusedPatterns: [...compiler.refusedPatterns, ...(yield* findRefusedPatterns(left))],
  };
}

function compileFeature({ feature }: FeatureStateModel, index: number): CompiledFeature {
  return { index, id: feature.id, name: feature.name, type: feature.type ?? "STANDARD" };
}

/** As a Python dict built from the list: the first one's place, the last one's content. */
function lastByKey<Item>(items: readonly Item[], keyOf: (item: Item) => string): readonly Item[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}

/** Lowest priority first, ties in document order, a missing priority last (contract A5, A13). */
function* rankSegmentOverrides(
  features: readonly CompiledFeature[],
  segments: readonly SegmentModel[],
  outcomes: OutcomeCompiler,
): Generator<undefined, RankedOverride[][]> {
  const candidates: (RankedOverride & { priority: number })[][] = features.map(() => []);
  for (const segment of segments) {
    for (const state of segment.feature_states ?? []) {
      const feature = outcomes.featureOf(state);
      if (feature === null) continue;
      candidates[feature.index]?.push({
        segment,
        priority: overridePriorityOf(state),
        state: outcomes.compileKnown(state, `TARGETING_MATCH; segment=${segment.name}`),
      });
    }
    yield;
  }
  // Array.prototype.sort is stable, which keeps ties in document order; Infinity - Infinity would be NaN.
  for (const each of candidates)
    each.sort((a, b) => (a.priority === b.priority ? 0 : a.priority - b.priority));
  return candidates;
}

/** NOTE: a function of its own, as the closure lives on and must not keep the document. */
function compileWhenSeen(findOverrides: OverrideFinder, outcomes: OutcomeCompiler) {
  return new IdentityOverrides(findOverrides, (overrides) => mergeIdentityOverrides(overrides, outcomes));
}

/**
 * Several entries of one identifier merge; the first that has a feature wins (contract A5).
 * @param overrides of one identifier
 */
function mergeIdentityOverrides(
  overrides: readonly IdentityOverrideModel[],
  outcomes: OutcomeCompiler,
): IdentityOverride {
  const byFeature = new Map<number, CompiledFeatureState>();
  for (const state of overrides.flatMap((override) => override.identity_features ?? [])) {
    const feature = outcomes.featureOf(state);
    if (feature === null || byFeature.has(feature.index)) continue;
    byFeature.set(feature.index, outcomes.compileKnown(state, "TARGETING_MATCH; segment=identity_overrides"));
  }
  return byFeature;
}
