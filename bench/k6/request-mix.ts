/**
 * One request of a fleet, drawn by weight: browsers and apps read flags, fewer identify users, server SDKs
 * fetch the document, load balancers ask for health. It checks nothing itself.
 */
import {
  getIdentity,
  postIdentity,
  type RequestName,
  readDocument,
  readFlags,
  readHealth,
} from "./checked-requests.ts";
import { drawIsRepeated, newIdentity, repeatedIdentity } from "./identity-bodies.ts";
import { numberSetting, shareSetting } from "./script-settings.ts";

const shareConditional = shareSetting("SHARE_CONDITIONAL", 0.5);
const shareGet = shareSetting("SHARE_GET", 0.2);

const senders: Readonly<Record<RequestName, () => void>> = {
  flags: sendFlags,
  identities: sendIdentity,
  document: sendDocument,
  health: readHealth,
};

/** Name and weight of each kind that is wanted. */
export type RequestMix = readonly (readonly [name: RequestName, weight: number])[];

/** @throws Error where a weight is none, or nothing is wanted */
export function requestMix(): RequestMix {
  const weights: RequestMix = [
    ["flags", weightSetting("WEIGHT_FLAGS", 70)],
    ["identities", weightSetting("WEIGHT_IDENTITIES", 22)],
    ["document", weightSetting("WEIGHT_DOCUMENT", 6)],
    ["health", weightSetting("WEIGHT_HEALTH", 2)],
  ];
  const wanted = weights.filter(([, weight]) => weight > 0);
  if (wanted.length === 0) throw new Error("WEIGHT_*: expected at least one above 0");
  return wanted;
}

/** Sends one request of the mix. */
export function sendDrawn(mix: RequestMix): void {
  const total = mix.reduce((sum, [, weight]) => sum + weight, 0);
  let drawn = Math.random() * total;
  for (const [name, weight] of mix) {
    drawn -= weight;
    if (drawn < 0) {
      senders[name]();
      return;
    }
  }
}

export function sendFlags(): void {
  readFlags(Math.random() < shareConditional);
}

export function sendDocument(): void {
  readDocument(Math.random() < shareConditional);
}

export function sendIdentity(): void {
  const isRepeated = drawIsRepeated();
  const identity = isRepeated ? repeatedIdentity() : newIdentity();
  const body = isRepeated ? "repeated" : "new";
  if (Math.random() < shareGet) getIdentity(identity.identifier, body);
  else postIdentity(identity, body);
}

function weightSetting(name: string, fallback: number): number {
  return numberSetting(name, fallback, { min: 0, max: 1_000_000 });
}
