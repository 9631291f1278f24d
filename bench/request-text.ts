/** Requests as the bytes that are sent, for loads that write to sockets themselves. */
import { type HttpRequest, identityBody } from "./http-cases.ts";

const sameTexts = new WeakMap<HttpRequest, string>();

/**
 * @param number of this request: bodies that are to differ differ by it
 * @returns ASCII; for the same request the same text, made once, unless bodies differ
 */
export function requestText(request: HttpRequest, number: number): string {
  if (request.bodies === "distinct") return makeRequestText(request, number);
  const text = sameTexts.get(request) ?? makeRequestText(request, number);
  sameTexts.set(request, text);
  return text;
}

function makeRequestText({ method, path, headers, bodies }: HttpRequest, number: number): string {
  const body = identityBody(bodies, number);
  const length = method === "POST" ? { "content-length": String(Buffer.byteLength(body)) } : {};
  const lines = Object.entries({ host: "127.0.0.1:8000", ...headers, ...length });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `${method} ${path} HTTP/1.1\r\n${head}\r\n${body}`;
}
