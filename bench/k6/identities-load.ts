/**
 * Load script for k6: identities at a constant rate, some repeated, some new to the proxy. It must only be
 * run against a proxy of one's own (README).
 */
import { sendIdentity } from "./request-mix.ts";
import { constantRate } from "./run-options.ts";

export const options = constantRate("identities", ["{body:repeated}", "{body:new}"]);

export function identities(): void {
  sendIdentity();
}
