/**
 * The body of an identities request, checked by hand because it stands on the read path (contract A5). It decides
 * nothing about evaluation.
 */
import type { ValidationDetail } from "./errors.ts";
import { isJsonObject, isScalar, JsonNumber, type JsonScalar } from "./json.ts";
import type { RequestLimits } from "./settings.ts";

export interface RequestTrait {
  readonly key: string;
  readonly value: JsonScalar;
  readonly transient: boolean;
}

export interface IdentityRequest {
  /** Null: absent, null or empty; the identity is then transient. */
  readonly identifier: string | null;
  /** As sent: duplicates and nulls included. */
  readonly traits: readonly RequestTrait[];
}

type Location = readonly (string | number)[];

/** More faults than this are not listed. */
const detailsMax = 20;

/** Collects the faults of one body; what it reads is only meaningful while it has none. */
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
      this.#fault(loc, "model_attributes_type", "Input should be an object");
      return { identifier: null, traits: [] };
    }
    this.#readTransient(body["transient"], [...loc, "transient"]);
    return {
      identifier: this.#readIdentifier(body["identifier"], [...loc, "identifier"]),
      traits: this.#readTraits(body["traits"], [...loc, "traits"]),
    };
  }

  /** @returns the identifier, or null where it is absent, null or empty */
  #readIdentifier(value: unknown, loc: Location): string | null {
    if (value === undefined || value === null) return null;
    const identifier = this.readString(value, loc, this.#limits.identifierCharactersMax);
    return identifier === "" ? null : identifier;
  }

  /** Checks a string: its type, its length in code points, and that it is well-formed Unicode. */
  readString(value: unknown, loc: Location, charactersMax: number): string {
    if (typeof value !== "string") {
      this.#fault(loc, "string_type", "Input should be a valid string");
      return "";
    }
    if (value.length > charactersMax && countCodePoints(value) > charactersMax) {
      this.#fault(loc, "string_too_long", `String should have at most ${charactersMax} characters`);
    }
    if (!value.isWellFormed()) this.#fault(loc, "string_unicode", "Input should be well-formed Unicode");
    return value;
  }

  #readTraits(value: unknown, loc: Location): RequestTrait[] {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) {
      this.#fault(loc, "list_type", "Input should be a valid list");
      return [];
    }
    const { traitsMax } = this.#limits;
    if (value.length > traitsMax) {
      this.#fault(loc, "too_long", `List should have at most ${traitsMax} items, not ${value.length}`);
      return [];
    }
    return value.map((each: unknown, index) => this.#readTrait(each, loc, index));
  }

  #readTrait(value: unknown, listLoc: Location, index: number): RequestTrait {
    if (!isJsonObject(value)) {
      this.#fault([...listLoc, index], "model_attributes_type", "Input should be an object");
      return { key: "", value: null, transient: false };
    }
    const at = (field: string): Location => [...listLoc, index, field];
    if (value["trait_key"] === undefined) this.#fault(at("trait_key"), "missing", "Field required");
    return {
      key: this.#readTraitKey(value["trait_key"], at),
      value: this.#readTraitValue(value["trait_value"], at),
      transient: this.#readTransient(value["transient"], at("transient")),
    };
  }

  #readTraitKey(value: unknown, at: (field: string) => Location): string {
    return value === undefined
      ? ""
      : this.readString(value, at("trait_key"), this.#limits.traitKeyCharactersMax);
  }

  #readTraitValue(value: unknown, at: (field: string) => Location): JsonScalar {
    const charactersMax = this.#limits.traitValueCharactersMax;
    if (value === undefined || value === null || typeof value === "boolean") return value ?? null;
    if (typeof value === "string") return this.readString(value, at("trait_value"), charactersMax);
    if (!isScalar(value)) {
      const message = "Input should be a string, a number, a boolean or null";
      this.#fault(at("trait_value"), "scalar_type", message);
      return null;
    }
    if (value instanceof JsonNumber) this.#checkNumber(value, at("trait_value"), charactersMax);
    return value;
  }

  #checkNumber(value: JsonNumber, loc: Location, charactersMax: number): void {
    const isFloat = /[.eE]/.test(value.text);
    if (isFloat && !Number.isFinite(Number(value.text))) {
      this.#fault(loc, "finite_number", "Input should be a finite number");
    }
    if (value.text.length > charactersMax) {
      this.#fault(loc, "number_too_long", `Number should have at most ${charactersMax} digits`);
    }
  }

  #readTransient(value: unknown, loc: Location): boolean {
    if (value === undefined || value === null || typeof value === "boolean") return value ?? false;
    this.#fault(loc, "bool_type", "Input should be a valid boolean");
    return false;
  }

  #fault(loc: Location, type: string, msg: string): void {
    if (this.details.length < detailsMax) this.details.push({ loc, msg, type });
  }
}

function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}
