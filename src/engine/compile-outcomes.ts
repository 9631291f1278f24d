/**
 * Turns feature states into their possible outcomes, variants in the order of their shares. It does not know
 * which state wins.
 */
import type { FeatureStateModel, MultivariateValueModel } from "../models/environment-document.ts";
import type { JsonNumber, JsonScalar } from "../models/json.ts";
import { hashKeyOf, variantPriorityOf, variantWeightOf } from "./feature-state-keys.ts";

/** One possible result of one flag. */
export interface Outcome {
  readonly feature: CompiledFeature;
  readonly enabled: boolean;
  readonly value: JsonScalar;
  /** The variant's key, `"control"` for a multivariate miss, else null. */
  readonly variant: string | null;
  /** As the reference engine words it (contract B 5.2, 7). */
  readonly reason: string;
  readonly fragment: Fragment;
}

/** What an outcome is in an answer, put together once by whoever compiles. */
export interface Fragment {
  readonly text: string;
  /** The length of the text in UTF-8. */
  readonly bytes: number;
}

export interface CompiledFeature {
  readonly index: number;
  /** As the document has it. */
  readonly id: number | JsonNumber;
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

/** Makes the fragment of an outcome, from all else of it. */
export type FragmentMaker = (outcome: Omit<Outcome, "fragment">) => Fragment;

/** Turns feature states into outcomes. */
export class OutcomeCompiler {
  readonly #fragmentOf: FragmentMaker;
  readonly #featuresByName: ReadonlyMap<string, CompiledFeature>;

  constructor(features: readonly CompiledFeature[], fragmentOf: FragmentMaker) {
    this.#fragmentOf = fragmentOf;
    this.#featuresByName = new Map(features.map((feature) => [feature.name, feature]));
  }

  featureOf(state: FeatureStateModel): CompiledFeature | null {
    return this.#featuresByName.get(state.feature.name) ?? null;
  }

  /** @param state of a feature that the environment has */
  compileKnown(state: FeatureStateModel, reason: string): CompiledFeatureState {
    const feature = this.featureOf(state) as CompiledFeature;
    const { enabled } = state;
    const add = (value: JsonScalar, variant: string | null, why: string): Outcome => {
      const fragment = this.#fragmentOf({ feature, enabled, value, variant, reason: why });
      return { feature, enabled, value, variant, reason: why, fragment };
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
