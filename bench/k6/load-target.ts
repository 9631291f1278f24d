/**
 * Where the load goes, and with which keys: by default to the demo (`npm run demo`). It must never be
 * Flagsmith's own API, nor any other server of someone else.
 */
import { textSetting } from "./script-settings.ts";

export const target = {
  baseUrl: readBaseUrl(),
  clientKey: textSetting("CLIENT_KEY", "demo_client_key"),
  serverKey: textSetting("SERVER_KEY", "ser.demo_server_key"),
  /** As most SDKs and all browsers send; empty: k6 sends none. */
  acceptEncoding: textSetting("ACCEPT_ENCODING", "gzip, deflate, br"),
} as const;

/** @returns the URL without slashes at its end. @throws Error where it is none, or is Flagsmith's */
function readBaseUrl(): string {
  const text = textSetting("BASE_URL", "http://127.0.0.1:8000");
  const host = /^https?:\/\/(\[[\da-f:.]+\]|[^/:?#@\s]+)(?::\d+)?(?:\/[^?#\s]*)?$/i.exec(text)?.[1];
  if (host === undefined)
    throw new Error(`BASE_URL: expected such as http://127.0.0.1:8000, found "${text}"`);
  if (/(?:^|\.)flagsmith\.com\.?$/i.test(host)) {
    throw new Error(`BASE_URL: ${host} is Flagsmith's own; load goes to a proxy of yours`);
  }
  return text.replace(/\/+$/, "");
}
