/**
 * Evaluates one identity in a compiled environment: identity override, then the strongest segment override
 * whose segment matches, then the environment (contract A5). It never looks at the document.
 */
import type { JsonScalar } from "../models/json.ts";
import type { CompiledEnvironment, CompiledSegment, IdentityOverride } from "./compile-environment.ts";
import type { CompiledFeatureState, Outcome } from "./compile-outcomes.ts";
import type { IdentityContext } from "./context-paths.ts";
import { hashedPercentage } from "./hashing.ts";
import type { Property } from "./property.ts";
import { type Answers, holds } from "./rules.ts";

/**
 * @param environmentKey the environment's `api_key`
 * @param identifier the identity, exactly as asked for
 * @param traits by key; null values are "not set"
 */
export function identityContext(
  environmentKey: string,
  identifier: string,
  traits: ReadonlyMap<string, JsonScalar>,
): IdentityContext {
  return { identifier, key: `${environmentKey}_${identifier}`, traits };
}

/**
 * One identity's evaluation. Segments are evaluated when a feature first asks for them, at most once, and
 * those that override nothing never.
 */
export class Evaluation implements Answers {
  readonly identity: IdentityContext;
  readonly #environment: CompiledEnvironment;
  /** By property; undefined where not looked up yet. */
  readonly #answers: (ReturnType<Property["answersFor"]> | undefined)[];
  /** By segment; undefined where not evaluated yet. */
  readonly #matches: (boolean | undefined)[];
  readonly #overrides: IdentityOverride | undefined;

  /**
   * @param environment compiled from the document being served
   * @param identity whom to evaluate; `identityContext` makes one
   */
  constructor(environment: CompiledEnvironment, identity: IdentityContext) {
    this.#environment = environment;
    this.identity = identity;
    this.#answers = new Array(environment.properties.length);
    this.#matches = new Array(environment.segments.length);
    this.#overrides =
      identity.identifier === null ? undefined : environment.identityOverrides.of(identity.identifier);
  }

  /** Whether this identity overrides any feature by itself. */
  get hasOverrides(): boolean {
    return this.#overrides !== undefined;
  }

  /** @returns what this identity gets for the feature at this index of the environment's features */
  outcomeOf(featureIndex: number): Outcome {
    return bucket(this.#stateOf(featureIndex), this.identity.key);
  }

  /** Whether the segment at this index of the environment's segments holds the identity. */
  isInSegment(segmentIndex: number): boolean {
    const segment = this.#environment.segments[segmentIndex];
    return segment !== undefined && this.#matchesSegment(segment);
  }

  /** Looks a property up once, when a condition first asks for it. */
  answer(property: number, question: number): boolean {
    let answers = this.#answers[property];
    if (answers === undefined) {
      answers = (this.#environment.properties[property] as Property).answersFor(this.identity);
      this.#answers[property] = answers;
    }
    return answers.answer(question);
  }

  #matchesSegment({ index, rule }: CompiledSegment): boolean {
    let matches = this.#matches[index];
    if (matches === undefined) {
      matches = holds(rule, this);
      this.#matches[index] = matches;
    }
    return matches;
  }

  #stateOf(featureIndex: number): CompiledFeatureState {
    const override = this.#overrides?.get(featureIndex);
    if (override !== undefined) return override;
    for (const candidate of this.#environment.segmentOverrides[featureIndex] ?? []) {
      if (this.#matchesSegment(candidate.segment)) return candidate.state;
    }
    return this.#environment.defaults[featureIndex] as CompiledFeatureState;
  }
}

/** Picks the variant whose share holds the identity; hashes only where there are variants. */
function bucket(state: CompiledFeatureState, identityKey: string | null): Outcome {
  if (state.shares.length === 0 || identityKey === null) return state.withoutIdentity;
  const percentage = hashedPercentage(state.hashHead, identityKey);
  for (const { start, limit, outcome } of state.shares) {
    if (start <= percentage && percentage < limit) return outcome;
  }
  return state.control;
}
