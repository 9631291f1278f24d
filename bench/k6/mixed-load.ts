/**
 * Load script for k6: the mix of requests that a fleet makes, at a constant rate. It must only be run
 * against a proxy of one's own (README).
 */
import { requestMix, sendDrawn } from "./request-mix.ts";
import { constantRate } from "./run-options.ts";

const mix = requestMix();

export const options = constantRate(
  "mixed",
  mix.map(([name]) => `{name:${name}}`),
);

export function mixed(): void {
  sendDrawn(mix);
}
