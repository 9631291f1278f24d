/**
 * The host that a request names. No answer depends on it: any legal one is as good as another (RFC 3986
 * 3.2.2 and 3.2.3), and others are refused.
 */
import type { IncomingMessage, RequestListener } from "node:http";

const legalHost = /^(?:\[[0-9a-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*)(?::\d*)?$/i;

/** One that is missing is legal here: Node has refused it where HTTP asks for it. */
export function hasLegalHost({ headers }: IncomingMessage): boolean {
  return legalHost.test(headers.host ?? "");
}

/** @returns the same listener, which finds no host where it is legal: node-server refuses some of them */
export function withoutLegalHosts(listener: RequestListener): RequestListener {
  return (incoming, outgoing) => {
    if (hasLegalHost(incoming)) delete incoming.headers.host;
    listener(incoming, outgoing);
  };
}
