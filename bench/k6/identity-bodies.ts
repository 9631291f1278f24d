/**
 * The identities that the scripts ask for: some come again and again, as users do who return, others are
 * seen once. Their traits fit the segments of the demo and of the benchmarks; it sends nothing.
 */
import exec from "k6/execution";
import { numberSetting, shareSetting } from "./script-settings.ts";

export interface Trait {
  readonly trait_key: string;
  readonly trait_value: string | number | boolean;
}

export interface Identity {
  readonly identifier: string;
  readonly traits: readonly Trait[];
}

const shareRepeated = shareSetting("SHARE_REPEATED", 0.8);
const repeatedIdentities = numberSetting("REPEATED_IDENTITIES", 100, { min: 1, max: 1_000_000, whole: true });

/** Draws whether the next request repeats an earlier one. */
export function drawIsRepeated(): boolean {
  return Math.random() < shareRepeated;
}

/** @returns one of the `REPEATED_IDENTITIES`; the same number has the same body in every run */
export function repeatedIdentity(): Identity {
  const number = Math.floor(Math.random() * repeatedIdentities);
  return identityOf(`load-user-${number}`, number);
}

/** @returns one that no earlier iteration of this run had, nor an earlier run: a cache cannot hold it */
export function newIdentity(): Identity {
  const { startTime, iterationInTest } = exec.scenario;
  return identityOf(`load-visitor-${startTime}-${iterationInTest}`, iterationInTest);
}

function identityOf(identifier: string, number: number): Identity {
  const traits = {
    plan: ["free", "beta", "premium", "enterprise"][number % 4] ?? "free",
    age: 18 + (number % 60),
    email: `user-${number}@${number % 4 === 0 ? "mail.test" : "example.com"}`,
    country: ["DE", "US", "FR", "JP", "GB"][number % 5] ?? "DE",
    app_version: `${1 + (number % 3)}.${number % 9}.1`,
    cart_items: number % 20,
    is_beta: number % 7 === 0,
    score: ((number % 97) * 10 + 5) / 1000,
  };
  return {
    identifier,
    traits: Object.entries(traits).map(([key, value]) => ({ trait_key: key, trait_value: value })),
  };
}
