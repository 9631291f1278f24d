/**
 * Load script for k6: GET flags at a constant rate, some of it conditional. It must only be run against a
 * proxy of one's own (README).
 */
import { sendFlags } from "./request-mix.ts";
import { constantRate } from "./run-options.ts";

export const options = constantRate("flags", ["{name:flags}"]);

export function flags(): void {
  sendFlags();
}
