/**
 * From a checked identities request to whom it asks about in one view: traits as the view takes them, and an
 * identifier for those who came without one (contract A5, B 2.4).
 */
import type { IdentitySubject, ViewSnapshot } from "../cache/view-snapshot.ts";
import { transientIdentifier } from "../engine/transient-identifier.ts";
import type { IdentityRequest } from "../models/identity-request.ts";

/**
 * @param randomIdentifier makes an identifier where there is nothing to derive one from
 * @returns the subject, and whether its identifier is random: such an answer must not be kept
 */
export function subjectOf(
  request: IdentityRequest,
  view: ViewSnapshot,
  randomIdentifier: () => string,
): { readonly subject: IdentitySubject; readonly isRandom: boolean } {
  const traits = view.acceptTraits(request.traits);
  const { identifier } = request;
  if (identifier !== null) return { subject: { identifier, traits }, isRandom: false };
  const derived = transientIdentifier(view.rules.acceptsTraits ? request.traits : []);
  return { subject: { identifier: derived ?? randomIdentifier(), traits }, isRandom: derived === null };
}
