/**
 * The ways in which the fault upstream answers, one function each (reliability 4, rig). They know one
 * request; what outlives it belongs to `fault-upstream.ts`.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { brotliCompressSync, gzipSync } from "node:zlib";

/** What a mode may be told; each mode reads what its comment names. */
export interface FaultOptions {
  readonly status?: number;
  /** `Retry-After`, with any status. */
  readonly retryAfter?: string;
  /** Where redirects and links lead, for the modes that leave the origin. */
  readonly to?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  /** The pages after the first. */
  readonly pages?: readonly (string | object)[];
  /** Makes the `Link` header of a target; several headers for a list. */
  readonly link?: (target: string) => string | string[];
  /** How page 2 is answered, for `link-to-mode`. */
  readonly secondPage?: string;
  /** The modes beside `ok`, for `alternating`. */
  readonly turns?: readonly string[];
  readonly bytes?: number;
  /** Milliseconds before the answer of `ok` and of pages, or between the bytes of `drip`. */
  readonly delayMs?: number;
}

/** What one server key is answered with. */
export interface FaultEnvironment {
  readonly text: string;
  /** Null: no such header is sent, and 304 never. */
  readonly lastModified: Date | null;
  readonly mode: FaultMode;
  readonly options: FaultOptions;
}

/** A request, and what its answer may depend on. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly environment: FaultEnvironment;
  /** Which of this key's requests, counted from 0. */
  readonly number: number;
  /** Whether the connection has carried a request before. */
  readonly isReused: boolean;
}

export type FaultMode = keyof typeof faultModes;

const json = { "content-type": "application/json" } as const;
const megabyte = 1_000_000;

export const faultModes = {
  /** The document; 304 where the condition holds. Reads `delayMs` and `headers`. */
  ok: (exchange: Exchange) => later(exchange, () => sendDocument(exchange, (text) => text, {})),
  /** As `ok` with ETag in place of Last-Modified. */
  etag: ({ request, response, environment }: Exchange) => {
    const etag = `"${environment.text.length}"`;
    if (request.headers["if-none-match"] === etag) response.writeHead(304, { etag }).end();
    else response.writeHead(200, { ...json, etag }).end(environment.text);
  },
  /** Reads `status`, `retryAfter`, `headers` and `body`. */
  status: ({ response, environment: { options } }: Exchange) => {
    const retryAfter = options.retryAfter === undefined ? {} : { "retry-after": options.retryAfter };
    const headers = { ...json, ...retryAfter, ...options.headers };
    response
      .writeHead(options.status ?? 500, headers)
      .end(options.body ?? '{"detail":"secret upstream text"}');
  },
  /** 200 and JSON, with `body` (empty) and `headers` of the caller's. */
  body: ({ response, environment: { options } }: Exchange) => {
    response.writeHead(200, { ...json, ...options.headers }).end(options.body ?? "");
  },
  /** A login page. */
  html: ({ response }: Exchange) => {
    response.writeHead(200, { "content-type": "text/html" }).end("<html><form>Log in</form></html>");
  },
  "wrong-type": ({ response, environment }: Exchange) => {
    response.writeHead(200, { "content-type": "text/plain" }).end(environment.text);
  },
  "not-utf8": ({ response }: Exchange) => {
    response.writeHead(200, json).end(Buffer.from('{"name":"\xff\xfe"}', "latin1"));
  },
  "not-modified-always": ({ response }: Exchange) => {
    response.writeHead(304).end();
  },

  /** Takes the request and says nothing. */
  "hang-headers": () => undefined,
  /** One byte each `delayMs` (20). */
  drip: ({ response, environment }: Exchange) => {
    response.writeHead(200, json);
    let sent = 0;
    const timer = setInterval(() => {
      response.write(environment.text[sent % environment.text.length] ?? " ");
      sent += 1;
    }, environment.options.delayMs ?? 20);
    response.on("close", () => clearInterval(timer));
  },
  /** Half the body, then the end of the connection, with a Content-Length. */
  "truncated-length": (exchange: Exchange) =>
    sendHalf(exchange, { "content-length": exchange.environment.text.length }, () =>
      exchange.request.socket.end(),
    ),
  /** The same, chunked and without the last chunk. */
  "truncated-chunk": (exchange: Exchange) => sendHalf(exchange, {}, () => exchange.request.socket.end()),
  "reset-mid-body": (exchange: Exchange) =>
    sendHalf(exchange, {}, () => exchange.request.socket.resetAndDestroy()),
  /** Resets the connection in place of an answer. */
  reset: ({ request }: Exchange) => {
    request.socket.resetAndDestroy();
  },
  /** Answers the first request of each connection and resets at the second: the race of keep-alive. */
  "reset-reused": (exchange: Exchange) => {
    if (exchange.isReused) exchange.request.socket.resetAndDestroy();
    else faultModes.ok(exchange);
  },

  "gzip-ok": (exchange: Exchange) => sendDocument(exchange, gzipSync, { "content-encoding": "gzip" }),
  "br-ok": (exchange: Exchange) => sendDocument(exchange, brotliCompressSync, { "content-encoding": "br" }),
  /** `bytes` (200 MB) of blanks in some 200 kB: a gzip member of a megabyte, again and again. */
  "gzip-bomb": ({ response, environment: { options } }: Exchange) => {
    const member = gzipSync(Buffer.alloc(megabyte, " "));
    const body = Buffer.concat(Array(Math.ceil((options.bytes ?? 200 * megabyte) / megabyte)).fill(member));
    response.writeHead(200, { ...json, "content-encoding": "gzip" }).end(body);
  },
  /** A hundred layers, by their names. */
  "encoding-chain": (exchange: Exchange) => {
    const layers = Array.from({ length: 100 }, () => "gzip").join(", ");
    sendDocument(exchange, gzipSync, { "content-encoding": layers });
  },
  /** `bytes` (200 MB) without Content-Length, or less where the client hangs up. */
  "too-big": ({ response, environment: { options } }: Exchange) => {
    response.writeHead(200, json);
    let left = options.bytes ?? 200 * megabyte;
    const pump = () => {
      while (left > 0 && !response.destroyed) {
        left -= 65_536;
        if (!response.write(" ".repeat(65_536))) {
          response.once("drain", pump);
          return;
        }
      }
      response.end();
    };
    pump();
  },

  /** Redirects once, to the same origin. Reads `status` (307). */
  "redirect-same": (exchange: Exchange) => {
    if (exchange.url.searchParams.has("redirected")) faultModes.ok(exchange);
    else redirect(exchange, "?redirected=1");
  },
  /** Redirects to `to`. */
  "redirect-cross": (exchange: Exchange) => redirect(exchange, exchange.environment.options.to ?? ""),
  "redirect-loop": (exchange: Exchange) => redirect(exchange, exchange.url.pathname),

  /** The document and then `pages`, linked as `link` says (`<…>; rel="next"`). */
  "link-same": (exchange: Exchange) => {
    const { pages = [] } = exchange.environment.options;
    const page = pageOf(exchange);
    const hasNext = page <= pages.length;
    const body = page === 1 ? exchange.environment.text : asText(pages[page - 2] ?? {});
    sendPage(
      exchange,
      body,
      hasNext ? `${exchange.url.origin}${exchange.url.pathname}?page=${page + 1}` : null,
    );
  },
  /** The document as page 1, and page 2 in the mode `secondPage`. */
  "link-to-mode": (exchange: Exchange): void => {
    if (pageOf(exchange) === 1) sendPage(exchange, exchange.environment.text, "?page=2");
    else faultModes[exchange.environment.options.secondPage as FaultMode](exchange);
  },
  /** Links to `to`. */
  "link-cross": (exchange: Exchange) =>
    sendPage(exchange, exchange.environment.text, exchange.environment.options.to ?? ""),
  /** Page 2 links to itself. */
  "link-loop": (exchange: Exchange) => sendPage(exchange, exchange.environment.text, "?page=2"),
  /** `ok` and the modes of `turns`, one for each request. */
  alternating: (exchange: Exchange): void => {
    const modes = ["ok", ...(exchange.environment.options.turns ?? [])];
    faultModes[modes[exchange.number % modes.length] as FaultMode](exchange);
  },
  /** Pages without end. */
  "link-many": (exchange: Exchange) =>
    sendPage(exchange, exchange.environment.text, `?page=${pageOf(exchange) + 1}`),
};

function sendDocument(
  { request, response, environment }: Exchange,
  encode: (text: string) => string | Uint8Array,
  encoding: Readonly<Record<string, string>>,
): void {
  const { lastModified, options, text } = environment;
  const validator = lastModified === null ? {} : { "last-modified": lastModified.toUTCString() };
  const since = Date.parse(request.headers["if-modified-since"] ?? "");
  if (lastModified !== null && since >= Math.floor(lastModified.getTime() / 1000) * 1000) {
    response.writeHead(304, validator).end();
    return;
  }
  response.writeHead(200, { ...json, ...validator, ...encoding, ...options.headers }).end(encode(text));
}

function sendHalf({ response, environment }: Exchange, headers: object, then: () => void): void {
  response.writeHead(200, { ...json, ...headers });
  response.write(environment.text.slice(0, environment.text.length / 2), () => setTimeout(then, 20));
}

function sendPage(exchange: Exchange, body: string, target: string | null): void {
  const { lastModified, options } = exchange.environment;
  const { headers, link = (next: string) => `<${next}>; rel="next"` } = options;
  const linked = target === null ? {} : { link: link(target) };
  const validator = lastModified === null ? {} : { "last-modified": lastModified.toUTCString() };
  const send = () =>
    exchange.response.writeHead(200, { ...json, ...validator, ...linked, ...headers }).end(body);
  later(exchange, send);
}

function redirect({ response, environment: { options } }: Exchange, location: string): void {
  response.writeHead(options.status ?? 307, { location }).end("moved");
}

function later({ environment: { options } }: Exchange, send: () => void): void {
  if (options.delayMs === undefined) send();
  else setTimeout(send, options.delayMs);
}

function pageOf({ url }: Exchange): number {
  return Number(url.searchParams.get("page") ?? 1);
}

function asText(page: string | object): string {
  return typeof page === "string" ? page : JSON.stringify(page);
}
