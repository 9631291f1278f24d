/**
 * What one kind of key sees of one environment: the client view or the server view (contract A2). Its flags
 * are prepared; identity answers are put together from prepared fragments. Immutable but for the cache it
 * owns.
 */
import type { CompiledEnvironment } from "../engine/compile-environment.ts";
import { Evaluation, identityContext } from "../engine/evaluate.ts";
import type { RequestTrait } from "../models/identity-request.ts";
import { type JsonScalar, scalarText } from "../models/json.ts";
import type { IdentityResponse, IdentityResponseCache } from "./identity-response-cache.ts";
import type { HeaderRecord, HeaderSet, PreparedResponse } from "./prepared-response.ts";

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

/** The prepared answers of GET flags. */
export interface PreparedFlags {
  readonly list: PreparedResponse;
  readonly byName: ReadonlyMap<string, PreparedResponse>;
  /** The first of each name in lower case, for names that differ in case alone. */
  readonly byLowerCaseName: ReadonlyMap<string, PreparedResponse>;
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

export const noTraits: AcceptedTraits = { values: new Map(), transientKeys: new Set() };

interface ViewInput {
  readonly compiled: CompiledEnvironment;
  readonly rules: ViewRules;
  readonly flags: PreparedFlags;
  /** All but content length. */
  readonly identityHeaders: HeaderSet;
  readonly identityResponses: IdentityResponseCache;
}

export class ViewSnapshot {
  readonly rules: ViewRules;
  readonly flags: PreparedFlags;
  readonly identityResponses: IdentityResponseCache;
  readonly #input: ViewInput;
  /** The indexes of the features that this view may show, in document order. */
  readonly #visibleFeatures: readonly number[];

  constructor(input: ViewInput) {
    this.#input = input;
    this.rules = input.rules;
    this.flags = input.flags;
    this.identityResponses = input.identityResponses;
    this.#visibleFeatures = input.compiled.features
      .map(({ index }) => index)
      .filter((index) => !input.rules.hiddenFeatures.has(index));
  }

  /**
   * The prepared flag of this name: exactly, else in another case (contract A4).
   * @returns null where this view has none
   */
  findFlag(name: string): PreparedResponse | null {
    const { byName, byLowerCaseName } = this.flags;
    return byName.get(name) ?? byLowerCaseName.get(name.toLowerCase()) ?? null;
  }

  /** Applies the view's rules to the traits sent: the last of a key counts, null is unset (contract A5). */
  acceptTraits(sent: readonly RequestTrait[]): AcceptedTraits {
    if (!this.rules.acceptsTraits || sent.length === 0) return noTraits;
    const values = new Map<string, JsonScalar>();
    const transientKeys = new Set<string>();
    for (const { key, value, transient } of sent) {
      values.set(key, value);
      if (transient) transientKeys.add(key);
      else transientKeys.delete(key);
    }
    for (const [key, value] of values) if (value === null) values.delete(key);
    return { values, transientKeys };
  }

  /** @returns the identity response (contract A5) as JSON text */
  identityText(subject: IdentitySubject): string {
    return this.#responseText(subject, this.#flagsText(subject, this.#visibleFeatures));
  }

  /**
   * The identity response with one flag alone.
   * @returns null where this view has no such feature, or hides it for this identity
   */
  identityTextWithFeature(subject: IdentitySubject, featureName: string): string | null {
    const index = this.#findVisibleFeature(featureName);
    const flagText = index === null ? "" : this.#flagsText(subject, [index]);
    return flagText === "" ? null : this.#responseText(subject, flagText);
  }

  /** Puts headers to a body: an identity response, or a list of them. */
  identityResponse(body: string, extraHeaders: HeaderRecord = {}): IdentityResponse {
    const { plain, namedOrigins } = this.#input.identityHeaders;
    const length = String(Buffer.byteLength(body));
    return {
      body,
      headers: { plain: { ...plain, ...extraHeaders, "content-length": length }, namedOrigins },
    };
  }

  /** Adding to one string was measured a tenth cheaper than joining a list. */
  #flagsText({ identifier, traits }: IdentitySubject, featureIndexes: readonly number[]): string {
    const { compiled, rules } = this.#input;
    const evaluation = new Evaluation(compiled, identityContext(compiled.key, identifier, traits.values));
    let text = "";
    for (const index of featureIndexes) {
      const outcome = evaluation.outcomeOf(index);
      if (!outcome.enabled && rules.hidesDisabledFlags) continue;
      text += text === "" ? outcome.text : `,${outcome.text}`;
    }
    return text;
  }

  #findVisibleFeature(name: string): number | null {
    const { features } = this.#input.compiled;
    const visible = this.#visibleFeatures;
    const exact = visible.find((index) => features[index]?.name === name);
    if (exact !== undefined) return exact;
    const lowerCase = name.toLowerCase();
    return visible.find((index) => features[index]?.name.toLowerCase() === lowerCase) ?? null;
  }

  #responseText({ identifier, traits }: IdentitySubject, flagsText: string): string {
    const sentTraits = this.rules.hidesTraits ? "" : traitsText(traits);
    return `{"identifier":${JSON.stringify(identifier)},"traits":[${sentTraits}],"flags":[${flagsText}]}`;
  }
}

function traitsText({ values, transientKeys }: AcceptedTraits): string {
  let text = "";
  for (const [key, value] of values) {
    const start = text === "" ? "" : ",";
    const ending = transientKeys.has(key) ? `,"transient":true}` : "}";
    text += `${start}{"trait_key":${JSON.stringify(key)},"trait_value":${scalarText(value)}${ending}`;
  }
  return text;
}
