/**
 * Small environment documents for tests of the contract, as JSON text with number texts of the test's choice.
 * They follow the upstream's form (contract B 2.7); of the code under test only its number type is used.
 */
import { JsonNumber } from "../../src/models/json.ts";
import { exactText } from "./reference-text.ts";
import type { TestEnvironment } from "./test-app.ts";

/** A number that stands in the document exactly like this. */
export function number(text: string): JsonNumber {
  return new JsonNumber(text);
}

export interface FeatureOptions {
  readonly enabled?: boolean;
  readonly value?: unknown;
  readonly type?: string;
  /** The part of the hash that belongs to the feature state. */
  readonly djangoId?: number;
  /** `[percentage, value, key]`, in order of their ids. */
  readonly variants?: readonly (readonly [number, unknown, string | null])[];
  readonly priority?: number | null;
}

/** A feature state of the environment, of a segment, or of an identity. */
export function feature(id: number, name: string, options: FeatureOptions = {}) {
  const { enabled = true, value = null, djangoId = id * 10, variants = [] } = options;
  const type = options.type ?? (variants.length > 0 ? "MULTIVARIATE" : "STANDARD");
  return {
    feature: { id, name, type },
    enabled,
    feature_state_value: value,
    django_id: djangoId,
    featurestate_uuid: `00000000-0000-4000-8000-${String(id).padStart(12, "0")}`,
    feature_segment: options.priority === undefined ? null : { priority: options.priority },
    multivariate_feature_state_values: variants.map(([percentage, variantValue, key], index) => ({
      id: index + 1,
      mv_fs_value_uuid: `00000000-0000-4000-9000-${String(index).padStart(12, "0")}`,
      percentage_allocation: percentage,
      multivariate_feature_option: { value: variantValue, key },
    })),
  };
}

/** A condition as the upstream writes it. */
export function condition(property: string | null, operator: string, value: string | null) {
  return { operator, value, property_: property };
}

type FeatureState = ReturnType<typeof feature>;
type Condition = ReturnType<typeof condition>;

/** A segment of one rule whose conditions must all hold, with the feature states that it overrides. */
export function segment(
  id: number,
  conditions: readonly Condition[],
  overrides: readonly FeatureState[] = [],
) {
  const rules = [{ type: "ALL", rules: [], conditions }];
  return { id, name: `segment ${id}`, rules, feature_states: overrides };
}

export interface DocumentOptions {
  readonly key?: string;
  readonly features?: readonly FeatureState[];
  readonly segments?: readonly unknown[];
  readonly overrides?: readonly unknown[];
  readonly serverOnly?: readonly number[];
  readonly updatedAt?: string | null;
  readonly projectHidesDisabled?: boolean;
  readonly hidesDisabled?: boolean | null;
  readonly stopped?: boolean;
  /** Members added to the document, or put in place of its own. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** The override of some features for one identifier. */
export function identityOverride(identifier: string, features: readonly FeatureState[]) {
  return {
    identifier,
    identity_features: features,
    identity_traits: [],
    identity_uuid: `uuid-of-${identifier}`,
  };
}

/** @returns the document's JSON text, its number text kept */
export function documentText(options: DocumentOptions = {}): string {
  const { key = "clientA", features = [feature(1, "one", { value: "first" })], updatedAt } = options;
  return exactText({
    id: 7,
    api_key: key,
    name: "Development",
    updated_at: updatedAt === undefined ? "2024-04-18T08:16:20.678868Z" : updatedAt,
    allow_client_traits: true,
    hide_sensitive_data: false,
    hide_disabled_flags: options.hidesDisabled ?? null,
    use_identity_composite_key_for_hashing: true,
    project: {
      id: 3,
      name: "project",
      hide_disabled_flags: options.projectHidesDisabled ?? false,
      server_key_only_feature_ids: options.serverOnly ?? [],
      organisation: { id: 2, name: "org", stop_serving_flags: options.stopped ?? false },
      segments: options.segments ?? [],
    },
    feature_states: features,
    identity_overrides: options.overrides ?? [],
    ...options.extra,
  });
}

/** An environment with the keys `clientA` and `ser.A`, and a document of these options. */
export function environmentA(options: DocumentOptions = {}): TestEnvironment {
  return { clientSideKey: "clientA", serverSideKey: "ser.A", document: documentText(options) };
}
