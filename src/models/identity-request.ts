/**
 * The body of an identities request, checked by hand because it stands on the read path (contract A5). It
 * decides nothing about evaluation.
 */
import type { ValidationDetail } from "./errors.ts";
import { isJsonObject, isScalar, JsonNumber, type JsonScalar } from "./json.ts";
import type { RequestLimits } from "./settings.ts";

/** A trait as it was sent. */
export interface RequestTrait {
  readonly key: string;
  readonly value: JsonScalar;
  readonly transient: boolean;
}

/** A checked body, or one item of bulk identities. */
export interface IdentityRequest {
  /** Null: absent, null or empty; the identity is then transient. */
  readonly identifier: string | null;
  /** As sent: duplicates and nulls included. */
  readonly traits: readonly RequestTrait[];
}

type Location = readonly (string | number)[];

/** More faults than this are not listed. */
const detailsMax = 20;
const floatMark = /[.eE]/;

/**
 * Collects the faults of one request; what it reads is only meaningful while it has none. Places are put
 * together when a fault needs one: doing so for each field costs three times the check itself.
 */
export class IdentityRequestReader {
  readonly details: ValidationDetail[] = [];
  readonly #limits: RequestLimits;

  constructor(limits: RequestLimits) {
    this.#limits = limits;
  }

  /**
   * @param body parsed JSON
   * @param loc where it stands, such as `["body"]`
   */
  read(body: unknown, loc: Location): IdentityRequest {
    if (!isJsonObject(body)) {
      this.#fault("model_attributes_type", "Input should be an object", loc);
      return { identifier: null, traits: [] };
    }
    const { identifier, traits, transient } = body;
    if (!isOptionalBoolean(transient)) {
      this.#fault("bool_type", "Input should be a valid boolean", loc, "transient");
    }
    return { identifier: this.#readIdentifier(identifier, loc), traits: this.#readTraits(traits, loc) };
  }

  /**
   * Checks a string: its type, its length in code points, and that it is well-formed Unicode.
   * @param place where it stands, below `loc`
   */
  readString(value: unknown, charactersMax: number, loc: Location, ...place: Location): string {
    if (typeof value !== "string") {
      this.#fault("string_type", "Input should be a valid string", loc, ...place);
      return "";
    }
    if (value.length > charactersMax && countCodePoints(value) > charactersMax) {
      this.#fault("string_too_long", `String should have at most ${charactersMax} characters`, loc, ...place);
    }
    if (!value.isWellFormed()) {
      this.#fault("string_unicode", "Input should be well-formed Unicode", loc, ...place);
    }
    return value;
  }

  /** @returns the identifier, or null where it is absent, null or empty */
  #readIdentifier(value: unknown, loc: Location): string | null {
    if (value === undefined || value === null || value === "") return null;
    return this.readString(value, this.#limits.identifierCharactersMax, loc, "identifier");
  }

  #readTraits(value: unknown, loc: Location): RequestTrait[] {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) {
      this.#fault("list_type", "Input should be a valid list", loc, "traits");
      return [];
    }
    const { traitsMax } = this.#limits;
    if (value.length > traitsMax) {
      const message = `List should have at most ${traitsMax} items, not ${value.length}`;
      this.#fault("too_long", message, loc, "traits");
      return [];
    }
    return value.map((each: unknown, index) => this.#readTrait(each, loc, index));
  }

  #readTrait(trait: unknown, loc: Location, index: number): RequestTrait {
    if (!isJsonObject(trait)) {
      this.#fault("model_attributes_type", "Input should be an object", loc, "traits", index);
      return { key: "", value: null, transient: false };
    }
    const { trait_key: key, trait_value: value, transient } = trait;
    if (!isOptionalBoolean(transient)) {
      this.#fault("bool_type", "Input should be a valid boolean", loc, "traits", index, "transient");
    }
    return {
      key: this.#readTraitKey(key, loc, index),
      value: this.#readTraitValue(value, loc, index),
      transient: transient === true,
    };
  }

  #readTraitKey(value: unknown, loc: Location, index: number): string {
    if (value === undefined) {
      this.#fault("missing", "Field required", loc, "traits", index, "trait_key");
      return "";
    }
    return this.readString(value, this.#limits.traitKeyCharactersMax, loc, "traits", index, "trait_key");
  }

  #readTraitValue(value: unknown, loc: Location, index: number): JsonScalar {
    const charactersMax = this.#limits.traitValueCharactersMax;
    if (typeof value === "string") {
      return this.readString(value, charactersMax, loc, "traits", index, "trait_value");
    }
    if (value === undefined) return null;
    if (!isScalar(value)) {
      const message = "Input should be a string, a number, a boolean or null";
      this.#fault("scalar_type", message, loc, "traits", index, "trait_value");
      return null;
    }
    if (value instanceof JsonNumber) this.#checkNumber(value.text, charactersMax, loc, index);
    return value;
  }

  #checkNumber(text: string, charactersMax: number, loc: Location, index: number): void {
    if (floatMark.test(text) && !Number.isFinite(Number(text))) {
      this.#fault("finite_number", "Input should be a finite number", loc, "traits", index, "trait_value");
    }
    if (text.length > charactersMax) {
      const message = `Number should have at most ${charactersMax} characters`;
      this.#fault("number_too_long", message, loc, "traits", index, "trait_value");
    }
  }

  #fault(type: string, msg: string, loc: Location, ...place: Location): void {
    if (this.details.length < detailsMax) this.details.push({ loc: [...loc, ...place], msg, type });
  }
}

function isOptionalBoolean(value: unknown): value is boolean | null | undefined {
  return value === undefined || value === null || typeof value === "boolean";
}

function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
