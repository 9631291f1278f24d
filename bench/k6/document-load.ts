/**
 * Load script for k6: GET environment-document at a constant rate, some of it conditional. It must only be
 * run against a proxy of one's own (README).
 */
import { sendDocument } from "./request-mix.ts";
import { constantRate } from "./run-options.ts";

export const options = constantRate("document", ["{name:document}"]);

export function document(): void {
  sendDocument();
}
