/**
 * What the operator does about each kind of failed refresh, in one sentence, for log lines. It must never be
 * sent to a caller: health shows the code alone (contract A7).
 */
import type { UpstreamErrorCode } from "../../models/errors.ts";

/** One sentence for each code of a refresh. In every case the last good document keeps being served. */
export const nextActions: Readonly<Record<UpstreamErrorCode, string>> = {
  unreachable:
    "Check that the host in api_url resolves and accepts connections from this host, and the " +
    "HTTP_PROXY, HTTPS_PROXY and NO_PROXY settings.",
  timeout:
    "Check the load of the upstream and the network to it; if large documents are slow by nature, raise " +
    "api_poll_timeout_seconds and upstream.document_timeout_seconds.",
  connection_lost:
    "Look for a restart of the upstream, or for a load balancer or firewall that closes connections; it " +
    "needs no action if it stops by itself.",
  tls_failure:
    "Check the upstream's certificate (name, expiry, chain) and this host's clock; add a private " +
    "authority with upstream.ca_file or NODE_EXTRA_CA_CERTS.",
  key_rejected:
    "Check the server-side key of this environment in the configuration: it may be revoked, expired or " +
    "meant for another installation.",
  rate_limited:
    "Raise api_poll_frequency_seconds or lower the number of proxies that poll with this key; polling " +
    "goes on after the pause the upstream asked for.",
  server_error: "Look at the upstream's own logs and status page; polling goes on at the usual pace.",
  unexpected_status:
    "Check api_url: it must end before /environment-document/ (usually in /api/v1), and no gateway may " +
    "answer in its place.",
  unexpected_not_modified:
    "Look for a cache between this host and the upstream that answers 304 without being asked, and " +
    "exclude /environment-document/ from it.",
  not_json:
    "Fetch the document with curl and look at the answer: api_url may point at a web page, a login page " +
    "or a captive portal.",
  bad_encoding:
    "Look for a gateway before the upstream that compresses answers twice or damages them, and exclude " +
    "/environment-document/ from it.",
  too_large:
    "Check the size of the document (identity overrides are the usual cause); if it is meant to be so " +
    "large, raise the limit that it met: upstream.document_bytes_max, or Node's --max-old-space-size.",
  redirect_refused:
    "Set api_url to the address the upstream redirects to: redirects to another scheme, host or port " +
    "are never followed, as they would carry the keys away.",
  page_refused:
    "Look at the Link headers of the document: pages must lie on the host of api_url, must not repeat, " +
    "and must not be more than upstream.pages_max.",
  circuit_open:
    "Find the earlier warning that says why the upstream fails; requests to it rest for a moment and go " +
    "on by themselves.",
  document_invalid:
    "Fetch the document with curl and compare it with the last good one; report it to whoever runs the " +
    "upstream, or look for a newer release of this proxy.",
  other_environment:
    "Check that the server_side_key belongs to this environment and that api_url leads to the right " +
    "upstream; if the environment was made anew, restart the proxy with another storage.path.",
  document_shrunk:
    "It is served once the next poll brings it again. If that is wrong, look at the upstream; to have such " +
    "documents served at once, set upstream.shrink_guard to false.",
  no_file:
    "Check the path in environment_key_pairs[].file and that the proxy's user may read it; `export` makes " +
    "such a file.",
  reader_failed:
    "Look at this host or container, not at the upstream: its memory, load and limits, and whether the " +
    "proxy's files were replaced while it ran.",
  document_fatal:
    "Compare the document's size with the memory that workers may use (NODE_OPTIONS=--max-old-space-size, " +
    "the container's limit); if it is no larger than others, report it to the makers of this proxy.",
  no_worker:
    "Look at the earlier warnings that say why worker processes end; the document is fetched again with " +
    "the next poll.",
  list_invalid:
    "Fetch /proxy/config/ with curl and the X-Proxy-Key header and look at the place that is named; report " +
    "it to whoever runs the upstream, or look for a newer release of this proxy.",
};

/** What is done otherwise where the document is a file (`offline`). */
const fileActions: Partial<Record<UpstreamErrorCode, string>> = {
  not_json:
    "Look at the file in environment_key_pairs[].file: it is empty, or no environment document; `export` " +
    "makes such a file.",
  document_invalid:
    "Look at the file in environment_key_pairs[].file: it may be half a document, if it is written in its " +
    "place; write it beside it and rename it, as `export` does.",
  too_large:
    "Check the size of the file in environment_key_pairs[].file; if it is meant to be so large, raise the " +
    "limit that it met: upstream.document_bytes_max, or Node's --max-old-space-size.",
  other_environment:
    "Check that environment_key_pairs[].file is this environment's; if the environment was made anew, " +
    "restart the proxy with another storage.path.",
  document_shrunk:
    "It is served if the file is still the same at the next poll. If that is wrong, make the file anew " +
    "with `export`; to have such documents served at once, set upstream.shrink_guard to false.",
  document_fatal:
    "Compare the file's size with the memory that workers may use (NODE_OPTIONS=--max-old-space-size, the " +
    "container's limit); if it is no larger than others, report it to the makers of this proxy.",
  no_worker:
    "Look at the earlier warnings that say why worker processes end; the file is read again with the next " +
    "poll.",
};

/** @returns the sentence for a file that cannot be used */
export function fileAction(code: UpstreamErrorCode): string {
  return fileActions[code] ?? nextActions[code];
}

/** What is done otherwise where it is not a document that fails, but what goes with the `proxy_key`. */
const proxyKeyActions: Partial<Record<UpstreamErrorCode, string>> = {
  key_rejected: "Check proxy_key: it may be revoked, expired or meant for another installation.",
  unexpected_status:
    "Check api_url: it must end before /proxy/config/ (usually in /api/v1), and lead to an upstream that " +
    "knows proxy keys; without one, remove proxy_key and list environment_key_pairs.",
  not_json:
    "Fetch /proxy/config/ with curl and the X-Proxy-Key header and look at the answer: api_url may point " +
    "at a web page, a login page or a captive portal.",
  too_large: "Check what lies behind /proxy/config/: a list of environments is never so large.",
  rate_limited:
    "Raise api_poll_frequency_seconds or lower the number of proxies with this proxy_key; it goes on after " +
    "the pause the upstream asked for.",
  timeout:
    "Check the load of the upstream and the network to it; if it is slow, raise api_poll_timeout_seconds.",
  unexpected_not_modified:
    "Look for a cache between this host and the upstream that answers 304 without being asked, and exclude " +
    "/proxy/ from it.",
  bad_encoding:
    "Look for a gateway before the upstream that compresses answers twice or damages them, and exclude " +
    "/proxy/ from it.",
  page_refused: "Look at the Link headers of /proxy/config/: pages must lie on the host of api_url, and end.",
};

/** @returns the sentence for a failed discovery, or a failed report of usage */
export function proxyKeyAction(code: UpstreamErrorCode): string {
  return proxyKeyActions[code] ?? nextActions[code];
}
