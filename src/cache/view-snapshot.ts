/**
 * What one kind of key sees of one environment: the client view or the server view (contract A2). Its flags
 * are prepared; identity answers are put together from prepared fragments. Immutable but for the cache it
 * owns.
 */
import type { CompiledEnvironment } from "../engine/compile-environment.ts";
import type { Fragment, Outcome } from "../engine/compile-outcomes.ts";
import { Evaluation, identityContext } from "../engine/evaluate.ts";
import type { RequestTrait } from "../models/identity-request.ts";
import { type JsonScalar, scalarText, stringText } from "../models/json.ts";
import type { IdentityResponse, IdentityResponseCache } from "./identity-response-cache.ts";
import type { PreparedFlags } from "./prepared-flags.ts";
import type { HeaderRecord, HeaderSet } from "./prepared-response.ts";

/** The settings of an environment that a view is decided by. */
export interface ViewRules {
  /** By feature index: absent everywhere in this view. */
  readonly hiddenFeatures: ReadonlySet<number>;
  readonly hidesDisabledFlags: boolean;
  /** Whether traits of the request count (`allow_client_traits`). */
  readonly acceptsTraits: boolean;
  /** Whether the answer's `traits` stay empty (`hide_sensitive_data`). */
  readonly hidesTraits: boolean;
}

/** The traits of a request that count in a view: one of each key, none of them null. */
export interface AcceptedTraits {
  readonly values: ReadonlyMap<string, JsonScalar>;
  /** The keys of those that were sent as transient; the answer says so too. */
  readonly transientKeys: ReadonlySet<string>;
}

/** Whom an answer is for, after the view's rules were applied to the request. */
export interface IdentitySubject {
  readonly identifier: string;
  readonly traits: AcceptedTraits;
}

/** Shared by all requests whose traits do not count, or are none. */
export const noTraits: AcceptedTraits = { values: new Map(), transientKeys: new Set() };

interface ViewInput {
  readonly compiled: CompiledEnvironment;
  readonly rules: ViewRules;
  readonly flags: PreparedFlags;
  /** All but content length. */
  readonly identityHeaders: HeaderSet;
  readonly identityResponses: IdentityResponseCache;
}

/** Answers what one kind of key asks of one snapshot. */
export class ViewSnapshot {
  readonly rules: ViewRules;
  readonly flags: PreparedFlags;
  readonly identityResponses: IdentityResponseCache;
  readonly #input: ViewInput;
  /** The indexes of the features that this view may show, in document order. */
  readonly #visibleFeatures: readonly number[];
  /** The same for identities without overrides of their own, as few parts as there can be. */
  readonly #parts: readonly FlagsPart[];

  constructor(input: ViewInput) {
    this.#input = input;
    this.rules = input.rules;
    this.flags = input.flags;
    this.identityResponses = input.identityResponses;
    this.#visibleFeatures = input.compiled.features
      .map(({ index }) => index)
      .filter((index) => !input.rules.hiddenFeatures.has(index));
    this.#parts = joinFixedFlags(input, this.#visibleFeatures);
  }

  /** Applies the view's rules to the traits sent: the last of a key counts, null is unset (contract A5). */
  acceptTraits(sent: readonly RequestTrait[]): AcceptedTraits {
    if (!this.rules.acceptsTraits || sent.length === 0) return noTraits;
    const values = new Map<string, JsonScalar>();
    let hasNull = false;
    let transientKeys: Set<string> | null = null;
    for (const { key, value, transient } of sent) {
      values.set(key, value);
      hasNull ||= value === null;
      if (transient) transientKeys = (transientKeys ?? new Set()).add(key);
      else transientKeys?.delete(key);
    }
    if (hasNull) for (const [key, value] of values) if (value === null) values.delete(key);
    return { values, transientKeys: transientKeys ?? noTraits.transientKeys };
  }

  /** @returns the identity response (contract A5) as JSON text */
  identityText(subject: IdentitySubject): Fragment {
    const evaluation = this.#evaluate(subject);
    const flags = new FlagsText();
    if (evaluation.hasOverrides) this.#addFlags(flags, evaluation, this.#visibleFeatures);
    else this.#addParts(flags, evaluation);
    return this.#responseText(subject, flags);
  }

  /**
   * The identity response with one flag alone.
   * @returns null where this view has no such feature, or hides it for this identity
   */
  identityTextWithFeature(subject: IdentitySubject, featureName: string): Fragment | null {
    const index = this.#findVisibleFeature(featureName);
    if (index === null) return null;
    const flags = new FlagsText();
    this.#addFlags(flags, this.#evaluate(subject), [index]);
    return flags.text === "" ? null : this.#responseText(subject, flags);
  }

  /** Puts headers to a body: an identity response, or a list of them. */
  identityResponse({ text, bytes }: Fragment, extraHeaders: HeaderRecord = {}): IdentityResponse {
    const { plain, anyOrigin } = this.#input.identityHeaders;
    return {
      body: text,
      headers: { plain: { ...plain, ...extraHeaders, "content-length": String(bytes) }, anyOrigin },
    };
  }

  #evaluate({ identifier, traits }: IdentitySubject): Evaluation {
    const { compiled } = this.#input;
    return new Evaluation(compiled, identityContext(compiled.key, identifier, traits.values));
  }

  #addParts(flags: FlagsText, evaluation: Evaluation): void {
    for (const part of this.#parts) {
      if (typeof part === "number") this.#addFlag(flags, evaluation.outcomeOf(part));
      else flags.add(part);
    }
  }

  #addFlags(flags: FlagsText, evaluation: Evaluation, featureIndexes: readonly number[]): void {
    for (const index of featureIndexes) this.#addFlag(flags, evaluation.outcomeOf(index));
  }

  #addFlag(flags: FlagsText, { enabled, fragment }: Outcome): void {
    if (enabled || !this.rules.hidesDisabledFlags) flags.add(fragment);
  }

  #findVisibleFeature(name: string): number | null {
    const { features } = this.#input.compiled;
    const visible = this.#visibleFeatures;
    const exact = visible.find((index) => features[index]?.name === name);
    if (exact !== undefined) return exact;
    const lowerCase = name.toLowerCase();
    return visible.find((index) => features[index]?.name.toLowerCase() === lowerCase) ?? null;
  }

  #responseText({ identifier, traits }: IdentitySubject, flags: FlagsText): Fragment {
    const sentTraits = this.rules.hidesTraits ? "" : traitsText(traits);
    const head = `{"identifier":${stringText(identifier)},"traits":[${sentTraits}],"flags":[`;
    return { text: `${head}${flags.text}]}`, bytes: Buffer.byteLength(head) + flags.bytes + 2 };
  }
}

/** A feature's index where its flag depends on the identity; else the fixed flags that stand in a row. */
type FlagsPart = number | Fragment;

/** Flags as they are put together; adding to one string was measured a tenth cheaper than joining a list. */
class FlagsText {
  text = "";
  /** Summed up, as counting the bytes of the whole text would cost as much as making it. */
  bytes = 0;

  add(fragment: Fragment): void {
    if (this.text === "") {
      this.text = fragment.text;
      this.bytes = fragment.bytes;
    } else {
      this.text += `,${fragment.text}`;
      this.bytes += fragment.bytes + 1;
    }
  }
}

/** Most features have neither variants nor overrides by segments: their flags are put together here, once. */
function joinFixedFlags({ compiled, rules }: ViewInput, features: readonly number[]): FlagsPart[] {
  const parts: FlagsPart[] = [];
  let row = new FlagsText();
  const endRow = (): void => {
    if (row.text !== "") parts.push({ text: row.text, bytes: row.bytes });
    row = new FlagsText();
  };
  for (const index of features) {
    const outcome = fixedOutcome(compiled, index);
    if (outcome === null) {
      endRow();
      parts.push(index);
    } else if (outcome.enabled || !rules.hidesDisabledFlags) row.add(outcome.fragment);
  }
  endRow();
  return parts;
}

/** @returns what all identities without an override get; null where it depends on them */
function fixedOutcome({ defaults, segmentOverrides }: CompiledEnvironment, index: number): Outcome | null {
  const state = defaults[index];
  const isFixed = state?.shares.length === 0 && (segmentOverrides[index] ?? []).length === 0;
  return isFixed ? state.control : null;
}

function traitsText({ values, transientKeys }: AcceptedTraits): string {
  let text = "";
  for (const [key, value] of values) {
    const start = text === "" ? "" : ",";
    const ending = transientKeys.has(key) ? `,"transient":true}` : "}";
    text += `${start}{"trait_key":${stringText(key)},"trait_value":${scalarText(value)}${ending}`;
  }
  return text;
}
