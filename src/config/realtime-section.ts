/**
 * The settings of the section `realtime`: where the upstream tells of changes, what is done when it does, and
 * client streams. It must not open connections.
 */
import { z } from "zod";
import { bytes, count, interval, retryWait } from "./quantities.ts";
import { number, type Reading, setting } from "./setting-readers.ts";
import { readApiUrl } from "./url-readers.ts";

/** The one API that is known to have streams, and their address (contract B 1.8). */
const hostedApiUrl = "https://edge.api.flagsmith.com/api/v1";
const hostedUrl = "https://realtime.flagsmith.com/";

/** The section `realtime` of the file. */
export const realtime = z
  .object({
    url: setting(readStreamsUrl).prefault(null),
    poll_frequency_seconds: interval(60),
    refresh_jitter_seconds: number({ default: 0.1, min: 0, max: 60 }),
    catch_up_spread_seconds: number({ default: 5, min: 0, max: 60 }),
    silence_seconds: interval(60),
    event_bytes_max: bytes(65_536),
    reconnect_min_seconds: retryWait(1),
    reconnect_max_seconds: retryWait(60),
    keep_alive_seconds: interval(25),
    stream_lifetime_seconds: interval(600),
    streams_max: count(20_000),
    environment_streams_max: count(10_000),
  })
  .superRefine((value, context) => {
    if (value.reconnect_min_seconds <= value.reconnect_max_seconds) return;
    context.addIssue({
      code: "custom",
      path: ["reconnect_min_seconds"],
      message: "it is longer than realtime.reconnect_max_seconds",
      params: { remedy: "Set it to at most realtime.reconnect_max_seconds." },
    });
  });

/** A URL with a slash at its end; null and `off` as they are. */
function readStreamsUrl(raw: unknown): Reading<string | null> {
  if (raw === null || raw === "null") return { value: null };
  if (typeof raw === "string" && raw.trim().toLowerCase() === "off") return { value: "off" };
  const reading = readApiUrl(raw);
  if ("value" in reading) return { value: `${reading.value}/` };
  const remedy =
    "Set the base URL of the event streams, such as https://realtime.flagsmith.com/, off, or null.";
  return { fault: reading.fault, remedy };
}

/**
 * @param setting `realtime.url`: a URL, `off`, or null for what belongs to the API
 * @returns where streams are asked for, with a slash at its end; null where none are
 */
export function eventStreamsUrl(setting: string | null, apiUrl: string): string | null {
  if (setting === null) return apiUrl === hostedApiUrl ? hostedUrl : null;
  return setting === "off" ? null : setting;
}
