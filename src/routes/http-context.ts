/**
 * What routes share of hono's context: its type, and the cheapest way to a request's header. It answers
 * nothing.
 */
import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";

/** On a socket the bindings are Node's; in `app.request()` there are none. */
export interface AppEnvironment {
  Bindings: Partial<HttpBindings> & {
    /** Whether routes may write their answers to `outgoing`. */
    readonly isDirect?: boolean;
  };
}

/** What a route is called with. */
export type AppContext = Context<AppEnvironment>;

/**
 * Node's own header record is at hand; going through a `Headers` object costs a copy of all of them.
 * @param name in lower case
 * @returns the value, several joined by a comma; null where the request has none
 */
export function requestHeader(context: AppContext, name: string): string | null {
  const incoming = context.env?.incoming;
  if (incoming === undefined) return context.req.header(name) ?? null;
  const value = incoming.headers[name];
  return (Array.isArray(value) ? value.join(", ") : value) ?? null;
}
