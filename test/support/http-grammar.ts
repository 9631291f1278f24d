/**
 * Random requests on one connection, around the list of malformed ones (reliability 4E): plain ones whose
 * answers are known, odd ones, and bytes that were cut, doubled and flipped. It sends nothing itself.
 */
import fc from "fast-check";
import { clientKey, serverKey } from "./running-proxy.ts";

/** A request that is well formed. */
interface PlainRequest {
  readonly text: string;
  readonly status: number;
  /** Whether the server may close the connection with its answer, which who still sends may then miss. */
  readonly mayClose: boolean;
}

/** What is sent on one connection. */
export interface FuzzedConversation {
  /** One character for each byte. */
  readonly bytes: string;
  /** Positions at which the sender pauses. */
  readonly pauses: readonly number[];
  /** How the client ends: its half, a reset, or not at all, so that the server has to. */
  readonly ending: "end" | "reset" | "wait";
  /** Null where not every answer is known. */
  readonly plain: readonly PlainRequest[] | null;
}

/** The proxy's limit is to be set to this, so that what is over it is short too. */
export const fuzzedBodyBytesMax = 4096;

const key = `X-Environment-Key: ${clientKey}`;
const crlf = "\r\n";

function head(line: string, headers: readonly string[]): string {
  return [`${line} HTTP/1.1`, "Host: proxy", ...headers].join(crlf) + crlf + crlf;
}

/** Keys in both letter cases, and spaces around the value: the same header. */
const goodKey = fc.constantFrom(
  key,
  key.replace("X-Env", "x-env"),
  `X-ENVIRONMENT-KEY:${clientKey}`,
  `X-Environment-Key: \t ${clientKey}  `,
);
const harmless = fc.subarray([
  "Accept: */*",
  "Accept-Encoding: gzip, br",
  "Origin: https://example.com",
  "Range: bytes=0-3",
  "__proto__: x",
  "constructor: y",
  "Upgrade: h2c",
  "If-Modified-Since: yesterday",
  "X-Empty:",
  "Cookie: a=b; c",
]);

const okReads = fc.constantFrom(
  "/api/v1/flags/",
  "/api/v1/flags",
  "/api/v1/flags/?feature=checkout_v2",
  "/api/v1/flags/?feature=",
  "/api/v1/flags/?x=__proto__&&=&%ff",
  "/api/v1/x/../flags/",
  "/api/v1/identities/?identifier=ann",
  "/api/v1/identities?identifier=__proto__",
  "/api/v1/identities/?identifier=%F0%9F%99%82&transient=true",
);
const keylessReads = fc.constantFrom("/health", "/proxy/health/", "/proxy/health/liveness");
const unknownPaths = fc.constantFrom("/", "/api//v1/flags/", "/API/v1/flags/", "/api/v1/%zz", "/nowhere");
const hiddenFeatures = fc
  .constantFrom("__proto__", "constructor", "toString", "%00", "a".repeat(4000))
  .map((name) => `/api/v1/flags/?feature=${name}`);

function read(
  target: fc.Arbitrary<string>,
  status: number,
  keyLine: fc.Arbitrary<string> | null = goodKey,
): fc.Arbitrary<PlainRequest> {
  return fc
    .tuple(fc.constantFrom("GET", "GET", "GET", "HEAD"), target, keyLine ?? fc.constant(""), harmless)
    .map(([method, path, line, others]) => ({
      text: head(`${method} ${path}`, [...(line === "" ? [] : [line]), ...others]),
      status,
      mayClose: false,
    }));
}

/** The body with its length before it, or in chunks of such sizes. */
function framed(line: string, headers: readonly string[], body: string, sizes: readonly number[]): string {
  if (sizes.length === 0) return head(line, [...headers, `Content-Length: ${body.length}`]) + body;
  const chunks: string[] = [];
  for (let at = 0, turn = 0; at < body.length; turn += 1) {
    const size = Math.min(sizes[turn % sizes.length] ?? 1, body.length - at);
    chunks.push(
      `${size.toString(16)}${turn % 3 === 1 ? ";a=b" : ""}${crlf}${body.slice(at, at + size)}${crlf}`,
    );
    at += size;
  }
  return `${head(line, [...headers, "Transfer-Encoding: chunked"])}${chunks.join("")}0${crlf}${crlf}`;
}

function write(
  path: string,
  body: fc.Arbitrary<string>,
  status: number,
  changes: { keyLine?: fc.Arbitrary<string>; extra?: string[]; mayClose?: boolean } = {},
): fc.Arbitrary<PlainRequest> {
  const { keyLine = goodKey, extra = [], mayClose = false } = changes;
  const sizes = fc.oneof(
    fc.constant([]),
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 3 }),
  );
  return fc.tuple(keyLine, harmless, body, sizes).map(([line, others, text, chunkSizes]) => ({
    text: framed(`POST ${path}`, [line, ...others, ...extra], text, chunkSizes),
    status,
    mayClose,
  }));
}

const identities = "/api/v1/identities/";
const goodBodies = fc.constantFrom(
  '{"identifier":"ann","traits":[{"trait_key":"plan","trait_value":"beta"}]}',
  '{"identifier":"__proto__","traits":[{"trait_key":"__proto__","trait_value":1}],"__proto__":{"x":1}}',
  '{"identifier":null,"constructor":{"prototype":{"x":1}}}',
  "{}",
  ' {"traits":[{"trait_key":"n","trait_value":9007199254740993}],"identifier":"a","identifier":"b"} ',
);
const notJson = fc.constantFrom("", "{", "NaN", '{"identifier":"a"}x', "{'a':1}", "\x00", "[1,]", '"\x01"');
const wrongShape = fc.constantFrom(
  "[]",
  "null",
  "1",
  '"x"',
  '{"identifier":7}',
  '{"traits":{}}',
  '{"traits":[{"trait_key":"a","trait_value":[]}]}',
  '{"traits":[{"trait_key":"a","trait_value":1e400}]}',
  `{"identifier":"${"a".repeat(2001)}"}`,
  '{"identifier":"\\ud800"}',
);
const badKey = fc.constantFrom("X-Environment-Key: other", "X-Environment-Key:", "X-Other: 1", `${key}x`);

const plainRequest: fc.Arbitrary<PlainRequest> = fc.oneof(
  read(okReads, 200),
  read(keylessReads, 200, null),
  read(unknownPaths, 404),
  read(hiddenFeatures, 404),
  read(okReads, 401, badKey),
  read(fc.constant(identities), 422),
  read(fc.constant("/api/v1/environment-document/"), 401),
  read(fc.constant("/api/v1/environment-document"), 200, fc.constant(`X-Environment-Key: ${serverKey}`)),
  write(identities, goodBodies, 200),
  write("/api/v1/identities", notJson, 400),
  write(identities, wrongShape, 422),
  write(identities, goodBodies, 401, { keyLine: badKey, mayClose: true }),
  write(identities, goodBodies, 415, { extra: ["Content-Encoding: gzip"], mayClose: true }),
  write(identities, fc.constant(`{"x":"${"x".repeat(fuzzedBodyBytesMax)}"}`), 413, { mayClose: true }),
  write("/api/v1/flags/", goodBodies, 405, { mayClose: true }),
);

/** Parts of requests of which some are wrong; what is answered is the proxy's affair, within limits. */
const oddMethod = fc.constantFrom(
  "GET",
  "POST",
  "HEAD",
  "PUT",
  "DELETE",
  "TRACE",
  "OPTIONS",
  "CONNECT",
  "get",
  "FLAGS",
);
const oddTarget = fc.oneof(
  okReads,
  unknownPaths,
  hiddenFeatures,
  fc.constantFrom(identities, "/api/v1/environment-document/", "/api/v1/bulk-identities/", "*", "", "//api"),
  fc.constantFrom(
    "http://other/api/v1/flags/",
    "http://[::1/health",
    "/\\api",
    "/%2e%2e/..",
    "/?",
    "#",
    "a:80",
  ),
  fc
    .string({ unit: "binary", maxLength: 12 })
    .map((text) => `/api/v1/${Buffer.from(text).toString("latin1")}`),
  fc
    .constantFrom("identifier", "feature", "transient")
    .chain((name) =>
      fc.string({ maxLength: 20 }).map((value) => `${identities}?${name}=${value.replaceAll(" ", "+")}`),
    ),
);
const oddHeader = fc.oneof(
  { arbitrary: goodKey, weight: 6 },
  badKey,
  fc.constantFrom(
    `X-Environment-Key: ${serverKey}`,
    `X-Environment-Key: ${"k".repeat(15_000)}`,
    "X-Environment-Key: \xff\xfe",
    "X-Environment-Key: a\0b",
    `X-Environment-Key : ${clientKey}`,
    "Host: a/b",
    "Host:",
    "X-Fold: a\r\n b",
    "X-Cr: a\rb",
    "Expect: 100-continue",
    "Expect: 200-maybe",
    "Connection: close",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Content-Encoding: br",
    "Content-Type: text/plain;charset=latin1",
    "Accept-Encoding: gzip;q=0, *;q=x,,",
    'If-None-Match: *, W/"x", "',
    "Access-Control-Request-Method: DELETE",
    "Access-Control-Request-Headers: __proto__, a\tb",
    ": empty",
    "no colon",
  ),
  fc.integer({ min: -2, max: 40 }).map((length) => `Content-Length: ${length}`),
  fc
    .constantFrom("+5", "1e1", "0x5", "5, 5", "10000000000", "", "5 5")
    .map((each) => `Content-Length: ${each}`),
  fc
    .constantFrom("chunked", "xchunked", "chunked, identity", "gzip, chunked", "identity", "chunked, chunked")
    .map((each) => `Transfer-Encoding: ${each}`),
  fc.integer({ min: 1, max: 2500 }).map((count) => Array(count).fill("a:b").join(crlf)),
);
const oddChunks = fc
  .array(
    fc.constantFrom(
      "5\r\n12345\r\n",
      "zz\r\n",
      "2;x=y\r\n{}\r\n",
      "-1\r\n",
      "0\r\nT: x\r\n\r\n",
      "ffffffffffffffffff\r\n",
    ),
  )
  .map((chunks) => chunks.join(""));
const oddBody = fc.oneof(
  fc.constant(""),
  goodBodies,
  notJson,
  wrongShape,
  oddChunks,
  fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text).toString("latin1")),
  fc.integer({ min: 1, max: 60_000 }).map((depth) => "[".repeat(depth)),
);
const oddRequest = fc
  .record({
    method: oddMethod,
    target: oddTarget,
    version: fc.constantFrom("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/9.9", "HTTP/2", "", "ICY"),
    hosts: fc.constantFrom("Host: proxy\r\n", "Host: proxy\r\n", "", "Host: a\r\nHost: b\r\n"),
    headers: fc.array(oddHeader, { maxLength: 4 }),
    body: oddBody,
    lineEnd: fc.constantFrom(crlf, crlf, crlf, crlf, "\n", "\r"),
  })
  .map(({ method, target, version, hosts, headers, body, lineEnd }) => {
    const lines = headers.map((each) => `${each}${lineEnd}`).join("");
    return `${method} ${target} ${version}${crlf}${hosts}${lines}${crlf}${body}`;
  });
const garbage = fc.oneof(
  fc.constantFrom(
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    crlf,
  ),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
);

interface Edit {
  readonly kind: "cut" | "double" | "insert" | "end";
  /** From 0 to 1 of the whole. */
  readonly place: number;
  readonly length: number;
  readonly inserted: string;
}

/** NOTE: an `fc.double` is nearly always close to 0. */
const place = fc.integer({ min: 0, max: 10_000 }).map((share) => share / 10_000);
/** Bytes cut out, doubled or put in, or all that follows cut off. */
const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({
    kind: fc.constantFrom("cut", "double", "insert", "end"),
    place,
    length: fc.integer({ min: 1, max: 30 }),
    inserted: fc.oneof(fc.constantFrom("\0", "\r", "\n", " ", ":", "\xff", crlf), garbage),
  }),
  { maxLength: 2 },
);

function edit(bytes: string, { kind, place: share, length, inserted }: Edit): string {
  const at = Math.floor(share * bytes.length);
  const before = bytes.slice(0, at);
  if (kind === "end") return before;
  if (kind === "insert") return before + inserted + bytes.slice(at);
  return before + bytes.slice(kind === "cut" ? at + length : Math.max(0, at - length));
}

function conversationOf(
  requests: readonly (PlainRequest | string)[],
  changes: readonly Edit[],
  shares: readonly number[],
  ending: FuzzedConversation["ending"],
): FuzzedConversation {
  const whole = requests.map((each) => (typeof each === "string" ? each : each.text)).join("");
  const bytes = changes.reduce(edit, whole);
  const plain = changes.length > 0 ? [] : requests.filter((each) => typeof each !== "string");
  return {
    bytes,
    pauses: shares.map((share) => Math.floor(share * bytes.length)).sort((left, right) => left - right),
    ending,
    plain: plain.length === requests.length ? plain : null,
  };
}

const pauses = fc.oneof(fc.constant([]), fc.array(place, { maxLength: 3 }));
/** Few wait for the server to close: that takes it as long as its time limits are. */
const ending = fc.oneof(
  { arbitrary: fc.constant("end" as const), weight: 400 },
  { arbitrary: fc.constant("reset" as const), weight: 40 },
  { arbitrary: fc.constant("wait" as const), weight: 1 },
);

/** What one client sends. */
export const fuzzedConversation: fc.Arbitrary<FuzzedConversation> = fc.oneof(
  fc
    .tuple(fc.array(plainRequest, { minLength: 1, maxLength: 4 }), pauses, ending)
    .map(([requests, shares, how]) => conversationOf(requests, [], shares, how)),
  fc
    .tuple(
      fc.array(fc.oneof(plainRequest, oddRequest, oddRequest, garbage), { minLength: 1, maxLength: 3 }),
      edits,
      pauses,
      ending,
    )
    .map(([requests, changes, shares, how]) => conversationOf(requests, changes, shares, how)),
);
