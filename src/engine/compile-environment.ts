/**
 * Compiles an environment document once per version into what evaluation needs: features in order, override
 * candidates by priority, every possible outcome of every flag. Pure: no I/O, no clock, no logger.
 */
import type {
  EnvironmentDocument,
  FeatureStateModel,
  IdentityOverrideModel,
  MultivariateValueModel,
  SegmentModel,
} from "../models/environment-document.ts";
import type { JsonScalar } from "../models/json.ts";
import { hashKeyOf, overridePriorityOf, variantPriorityOf, variantWeightOf } from "./feature-state-keys.ts";
import { type RefusedPattern, SegmentCompiler, type SegmentPredicate } from "./segments.ts";
import { buildStaticContext } from "./static-context.ts";

/** One possible result of one flag. Outcomes are numbered, so that a snapshot can prepare each one's text. */
export interface Outcome {
  readonly id: number;
  readonly feature: CompiledFeature;
  readonly enabled: boolean;
  readonly value: JsonScalar;
  /** The variant's key, `"control"` for a multivariate miss, else null. */
  readonly variant: string | null;
  /** As the reference engine words it (contract B 5.2, 7). */
  readonly reason: string;
}

export interface CompiledFeature {
  readonly index: number;
  readonly id: number;
  readonly name: string;
  readonly type: string;
}

/** A share of the identities, from `start` (included) to `limit` (excluded), in percent. */
interface VariantShare {
  readonly start: number;
  readonly limit: number;
  readonly outcome: Outcome;
}

/** A feature's default, or an override of it. */
export interface CompiledFeatureState {
  /** What multivariate features hash before the identity key: the state's key and a comma. */
  readonly hashHead: string;
  /** The outcome for an identity that no variant's share holds; the only one without variants. */
  readonly control: Outcome;
  /** Empty for features without variants. */
  readonly shares: readonly VariantShare[];
  /** The environment's own value, which GET flags serves: the control value, no variant (contract A4). */
  readonly withoutIdentity: Outcome;
}

interface SegmentOverride {
  readonly segmentIndex: number;
  readonly state: CompiledFeatureState;
}

export interface CompiledSegment {
  readonly name: string;
  readonly matches: SegmentPredicate["matches"];
}

export interface CompiledEnvironment {
  /** The document's `api_key`: the first half of each identity key. */
  readonly key: string;
  readonly features: readonly CompiledFeature[];
  /** By feature index. */
  readonly defaults: readonly CompiledFeatureState[];
  /** By feature index: candidates, the strongest first; the first whose segment matches wins. */
  readonly segmentOverrides: readonly (readonly SegmentOverride[])[];
  readonly segments: readonly CompiledSegment[];
  /** By identifier, then by feature index. */
  readonly identityOverrides: ReadonlyMap<string, ReadonlyMap<number, CompiledFeatureState>>;
  /** All outcomes, by their id. */
  readonly outcomes: readonly Outcome[];
  /** How many looked-up values an evaluation remembers. */
  readonly valueSlots: number;
  /** How many answers of costly conditions an evaluation remembers. */
  readonly answerSlots: number;
  readonly refusedPatterns: readonly RefusedPattern[];
}

/**
 * @param document a document that passed `environmentDocument`
 * @returns the compiled environment; a segment that cannot be compiled never matches, nothing throws
 */
export function compileEnvironment(document: EnvironmentDocument): CompiledEnvironment {
  const states = lastByKey(document.feature_states, (state) => state.feature.name);
  const segments = lastByKey(document.project.segments ?? [], (segment) => String(segment.id));
  const features = states.map(compileFeature);
  const outcomes = new OutcomeCompiler(features);
  const compiler = new SegmentCompiler(() => buildStaticContext(document, states, segments));
  return {
    key: document.api_key,
    features,
    defaults: states.map((state) => outcomes.compileKnown(state, "DEFAULT")),
    segmentOverrides: rankSegmentOverrides(features, segments, outcomes),
    segments: segments.map((segment) => ({ name: segment.name, matches: compiler.compile(segment).matches })),
    identityOverrides: mergeIdentityOverrides(document.identity_overrides ?? [], outcomes),
    outcomes: outcomes.all,
    valueSlots: compiler.valueSlots,
    answerSlots: compiler.answerSlots,
    refusedPatterns: compiler.refusedPatterns,
  };
}

function compileFeature({ feature }: FeatureStateModel, index: number): CompiledFeature {
  return { index, id: feature.id, name: feature.name, type: feature.type ?? "STANDARD" };
}

/** As a Python dict built from the list: the first one's place, the last one's content. */
function lastByKey<Item>(items: readonly Item[], keyOf: (item: Item) => string): readonly Item[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()];
}

/** Turns feature states into outcomes, numbering them. */
class OutcomeCompiler {
  readonly all: Outcome[] = [];
  readonly #featuresByName: ReadonlyMap<string, CompiledFeature>;

  constructor(features: readonly CompiledFeature[]) {
    this.#featuresByName = new Map(features.map((feature) => [feature.name, feature]));
  }

  featureOf(state: FeatureStateModel): CompiledFeature | null {
    return this.#featuresByName.get(state.feature.name) ?? null;
  }

  /** @param state of a feature that the environment has */
  compileKnown(state: FeatureStateModel, reason: string): CompiledFeatureState {
    const feature = this.featureOf(state) as CompiledFeature;
    const add = (value: JsonScalar, variant: string | null, why: string): Outcome => {
      const outcome = { id: this.all.length, feature, enabled: state.enabled, value, variant, reason: why };
      this.all.push(outcome);
      return outcome;
    };
    const value = state.feature_state_value;
    const variants = [...(state.multivariate_feature_state_values ?? [])].sort(byVariantPriority);
    const withoutIdentity = add(value, null, reason);
    let start = 0;
    const shares = variants.map((variant) => {
      const weight = variantWeightOf(variant);
      const { value: variantValue, key } = variant.multivariate_feature_option;
      const share = {
        start,
        limit: weight + start,
        outcome: add(variantValue, key ?? null, `SPLIT; weight=${weight}`),
      };
      start = share.limit;
      return share;
    });
    return {
      hashHead: `${hashKeyOf(state)},`,
      control: variants.length === 0 ? withoutIdentity : add(value, "control", reason),
      shares,
      withoutIdentity,
    };
  }
}

function byVariantPriority(left: MultivariateValueModel, right: MultivariateValueModel): number {
  const [a, b] = [variantPriorityOf(left), variantPriorityOf(right)];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Lowest priority first, ties in document order, a missing priority last (contract A5, A13). */
function rankSegmentOverrides(
  features: readonly CompiledFeature[],
  segments: readonly SegmentModel[],
  outcomes: OutcomeCompiler,
): SegmentOverride[][] {
  const candidates: (SegmentOverride & { priority: number })[][] = features.map(() => []);
  segments.forEach((segment, segmentIndex) => {
    for (const state of segment.feature_states ?? []) {
      const feature = outcomes.featureOf(state);
      if (feature === null) continue;
      candidates[feature.index]?.push({
        segmentIndex,
        priority: overridePriorityOf(state),
        state: outcomes.compileKnown(state, `TARGETING_MATCH; segment=${segment.name}`),
      });
    }
  });
  // Array.prototype.sort is stable, which keeps ties in document order; Infinity - Infinity would be NaN.
  for (const each of candidates)
    each.sort((a, b) => (a.priority === b.priority ? 0 : a.priority - b.priority));
  return candidates;
}

/** Several entries of one identifier merge; the first that has a feature wins (contract A5). */
function mergeIdentityOverrides(
  overrides: readonly IdentityOverrideModel[],
  outcomes: OutcomeCompiler,
): Map<string, Map<number, CompiledFeatureState>> {
  const merged = new Map<string, Map<number, CompiledFeatureState>>();
  for (const { identifier, identity_features: states } of overrides) {
    let byFeature = merged.get(identifier);
    if (byFeature === undefined) {
      byFeature = new Map();
      merged.set(identifier, byFeature);
    }
    for (const state of states ?? []) {
      const feature = outcomes.featureOf(state);
      if (feature === null || byFeature.has(feature.index)) continue;
      byFeature.set(
        feature.index,
        outcomes.compileKnown(state, "TARGETING_MATCH; segment=identity_overrides"),
      );
    }
  }
  return merged;
}
