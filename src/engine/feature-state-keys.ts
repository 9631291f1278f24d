/** What feature states and variants are hashed and ordered by, as the Python SDK maps it (contract B 5.7). */
import type { FeatureStateModel, MultivariateValueModel } from "../models/environment-document.ts";
import { JsonNumber } from "../models/json.ts";

/** `str(django_id or featurestate_uuid)`: zero counts as absent. It is hashed with the identity's key. */
export function hashKeyOf(state: FeatureStateModel): string {
  const { django_id: id } = state;
  return id instanceof JsonNumber ? id.text : String(id || (state.featurestate_uuid ?? ""));
}

/** Variants are ordered by their id, or by their uuid read as one number of 128 bits (contract B 2.7). */
export function variantPriorityOf(variant: MultivariateValueModel): number | bigint {
  const id = numberOf(variant.id ?? 0);
  if (id !== 0) return id;
  const digits = (variant.mv_fs_value_uuid ?? "").replaceAll("-", "");
  return /^[0-9a-f]{32}$/i.test(digits) ? BigInt(`0x${digits}`) : Number.POSITIVE_INFINITY;
}

/** @returns the share of the identities, in percent */
export function variantWeightOf({ percentage_allocation: weight }: MultivariateValueModel): number {
  return numberOf(weight ?? 0);
}

/** A missing priority is the weakest (contract A13). */
export function overridePriorityOf({ feature_segment: segment }: FeatureStateModel): number {
  return numberOf(segment?.priority ?? Number.POSITIVE_INFINITY);
}

function numberOf(value: number | JsonNumber): number {
  return value instanceof JsonNumber ? Number(value.text) : value;
}
