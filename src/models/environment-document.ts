/**
 * The environment document as the upstream serves it (contract B 2.7), as far as evaluation needs it.
 * Fields that only SDKs read are carried in the raw text and not described here.
 */
import { z } from "zod";
import { isScalar, JsonNumber, type JsonScalar } from "./json.ts";

/** A JSON number, its text kept where a JavaScript number would change it: `10.0` is not `10` to a path. */
const number = z.union([z.number(), z.instanceof(JsonNumber)], "must be a number");
const scalar = z.custom<JsonScalar>(isScalar, "must be a string, a number, a boolean or null");
const identifierNumber = z.union(
  [z.number(), z.string(), z.instanceof(JsonNumber).transform((kept) => kept.text)],
  "must be a number or a string",
);

/**
 * What is not a known word never matches, so that one odd condition does not cost the whole document (A13).
 */
const word = z.string().catch("");

/** A malformed condition is one without an operator: it never matches. */
const condition = z
  .object({ operator: word, value: z.unknown().optional(), property_: z.string().nullish() })
  .catch({ operator: "", value: null, property_: null });

/** A rule of a segment: all, any or none of its conditions and rules. */
export interface RuleModel {
  readonly type: string;
  readonly conditions?: readonly ConditionModel[] | null | undefined;
  readonly rules?: readonly RuleModel[] | null | undefined;
}

const rule: z.ZodType<RuleModel> = z.object({
  type: word,
  conditions: z.array(condition).nullish(),
  get rules() {
    return z.array(rule).nullish();
  },
});

const multivariateValue = z.object({
  id: number.nullish(),
  mv_fs_value_uuid: z.string().nullish(),
  percentage_allocation: number.nullish(),
  multivariate_feature_option: z.object({ value: scalar, key: z.string().nullish() }),
});

const featureState = z.object({
  feature: z.object({
    id: number,
    name: z.string(),
    type: z.string().nullish(),
  }),
  enabled: z.boolean(),
  feature_state_value: scalar,
  django_id: z.union([number, z.string()], "must be a number or a string").nullish(),
  featurestate_uuid: z.string().nullish(),
  feature_segment: z.object({ priority: number.nullish() }).nullish(),
  multivariate_feature_state_values: z.array(multivariateValue).nullish(),
});

const segment = z.object({
  id: identifierNumber,
  name: z.string(),
  rules: z.array(rule).nullish(),
  feature_states: z.array(featureState).nullish(),
});

/** Checks one element of `identity_overrides`. */
export const identityOverride = z.object({
  identifier: z.string(),
  identity_features: z.array(featureState).nullish(),
});

const organisation = z.object({ stop_serving_flags: z.boolean().nullish() });

const project = z.object({
  hide_disabled_flags: z.boolean().nullish(),
  /** No flag depends on it, so that no form of it costs the document. */
  enable_realtime_updates: z.boolean().nullish().catch(null),
  server_key_only_feature_ids: z.array(number).nullish(),
  segments: z.array(segment).nullish(),
  organisation: organisation.nullish(),
});

/** Checks a parsed document; unknown fields are ignored. */
export const environmentDocument = z.object({
  id: number.nullish(),
  api_key: z.string().min(1),
  name: z.string().nullish(),
  updated_at: z.string().nullish(),
  allow_client_traits: z.boolean().nullish(),
  hide_sensitive_data: z.boolean().nullish(),
  hide_disabled_flags: z.boolean().nullish(),
  feature_states: z.array(featureState),
  project,
  identity_overrides: z.array(identityOverride).nullish(),
});

export type EnvironmentDocument = z.infer<typeof environmentDocument>;
export type FeatureStateModel = z.infer<typeof featureState>;
export type MultivariateValueModel = z.infer<typeof multivariateValue>;
export type SegmentModel = z.infer<typeof segment>;
export type ConditionModel = z.infer<typeof condition>;
export type IdentityOverrideModel = z.infer<typeof identityOverride>;
