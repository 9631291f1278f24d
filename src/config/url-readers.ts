/**
 * Readers of settings that are addresses: the upstream's URL, allowed origins, forward proxies. They must
 * never repeat an address in a fault: it may hold a password.
 */
import { describeValue, type Reading } from "./setting-readers.ts";

/**
 * The upstream's base URL, without trailing slashes: the document's path is appended to it (contract B 3.2).
 * Credentials are refused, as they would end in logs, and so is what a path cannot be appended to.
 */
export function readApiUrl(raw: unknown): Reading<string> {
  const remedy = "Set the base URL of the API, such as https://edge.api.flagsmith.com/api/v1.";
  if (typeof raw !== "string") return { fault: `expected a URL, found ${describeValue(raw)}`, remedy };
  const url = URL.parse(raw.trim());
  if (url === null || !isHttp(url)) return { fault: "expected an http:// or https:// URL", remedy };
  if (url.username !== "" || url.password !== "") return { fault: "the URL holds credentials", remedy };
  if (raw.includes("?") || raw.includes("#")) return { fault: "the URL holds a query or a fragment", remedy };
  return { value: url.origin + url.pathname.replace(/\/+$/, "") };
}

/**
 * One allowed origin, as browsers send it: scheme and host in lower case, no default port, nothing after
 * it. `*` is any origin, and `null` is what a page without an origin sends. What no browser sends is taken
 * as it is, and never matches, as in both other proxies; `isSentByBrowsers` tells.
 */
export function readOrigin(raw: unknown): Reading<string> {
  if (typeof raw !== "string") {
    return {
      fault: `expected an origin, found ${describeValue(raw)}`,
      remedy: 'Set an origin such as "https://app.example.com", or "*".',
    };
  }
  const text = raw.trim();
  const url = originPattern.test(text) ? URL.parse(text) : null;
  if (url === null) return { value: text };
  return { value: url.origin === "null" ? text.replace(/\/$/, "").toLowerCase() : url.origin };
}

const originPattern = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s*]+\/?$/i;

/** Whether a browser may send this as its origin. */
export function isSentByBrowsers(origin: string): boolean {
  return origin === "*" || origin === "null" || originPattern.test(origin);
}

/** A bare string, or one with commas, stands for a list of origins (contract B 3.2). */
export function splitOrigins(raw: unknown): unknown {
  return typeof raw === "string" ? raw.split(",") : raw;
}

/**
 * The URL of a forward proxy, as `HTTP_PROXY` and its relatives hold it: `http://` is understood where no
 * scheme is given, as in curl and httpx.
 */
export function readProxyUrl(text: string): Reading<string> {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url !== null && isHttp(url)) return { value: url.href };
  return {
    fault: "expected the http:// or https:// URL of a forward proxy",
    remedy: "Set such a URL, or unset the variable to connect directly.",
  };
}

function isHttp(url: URL): boolean {
  return url.protocol === "http:" || url.protocol === "https:";
}
