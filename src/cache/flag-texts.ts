/**
 * The texts of flags as answers hold them (contract A4, A5). Which flags an answer has is not their concern.
 */
import type { Fragment, Outcome } from "../engine/compile-outcomes.ts";
import { scalarText } from "../models/json.ts";

/** A flag as GET flags answers it. */
export function environmentFlagText(outcome: Outcome): string {
  return `${openFlagText(outcome)}}`;
}

/** A flag as it stands in an identity's answer. */
export function identityFlagFragment(outcome: Omit<Outcome, "fragment">): Fragment {
  const text = `${openFlagText(outcome)},"variant":${JSON.stringify(outcome.variant)}}`;
  return { text, bytes: Buffer.byteLength(text) };
}

/** Without its closing brace. */
function openFlagText({ feature, enabled, value }: Omit<Outcome, "fragment">): string {
  const { id, name, type } = feature;
  const names = `"name":${JSON.stringify(name)},"type":${JSON.stringify(type)}`;
  const featureText = `{"id":${scalarText(id)},${names}}`;
  return `{"feature":${featureText},"enabled":${enabled},"feature_state_value":${scalarText(value)}`;
}
