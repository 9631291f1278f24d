/**
 * What the bodies of the answers look like. They are told by their shape alone, so that any environment
 * with at least one flag will do; nothing here sends a request.
 */
import type { Identity } from "./identity-bodies.ts";

type JsonObject = Readonly<Record<string, unknown>>;

/** GET flags: all flags. An empty list shows nothing, and does not pass. */
export function isFlagList(json: unknown): boolean {
  return Array.isArray(json) && json.length > 0 && json.every(isFlag);
}

/** GET environment-document, as far as an SDK needs it. */
export function isDocument(json: unknown): boolean {
  return isObject(json) && isObject(json["project"]) && Array.isArray(json["feature_states"]);
}

/** GET /proxy/health of a proxy that is ready. */
export function isHealthy(json: unknown): boolean {
  return isObject(json) && json["status"] === "ok";
}

/** The answer to this identity, and no other's: an answer mixed up under load is the worst fault of all. */
export function isIdentityAnswer(json: unknown, { identifier, traits }: Identity): boolean {
  if (!isObject(json) || json["identifier"] !== identifier) return false;
  const { flags, traits: echoed } = json;
  if (!isFlagList(flags) || !(flags as JsonObject[]).every((flag) => "variant" in flag)) return false;
  // An environment may hide traits (`hide_sensitive_data`) or not take them (`allow_client_traits`).
  return JSON.stringify(echoed) === "[]" || JSON.stringify(echoed) === JSON.stringify(traits);
}

function isFlag(json: unknown): boolean {
  if (!isObject(json) || !isObject(json["feature"])) return false;
  const { enabled, feature } = json;
  return typeof enabled === "boolean" && typeof feature["name"] === "string" && "feature_state_value" in json;
}

function isObject(json: unknown): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
