/**
 * The path that a request is routed by, without a trailing slash (contract A1). Targets that routes are
 * declared for are looked up as they stand; all others take hono's way, which decodes and cuts.
 */
import { getPath } from "hono/utils/url";
import type { AppEnvironment } from "./http-context.ts";
import { streamKeyOf } from "./realtime/stream-target.ts";

type PathReader = (request: Request, options?: { env?: AppEnvironment["Bindings"] }) => string;

/** @param declared the paths of routes, without a trailing slash; complete when the first request comes */
export function createPathReader(declared: Iterable<string>): PathReader {
  let known: ReadonlyMap<string, string> | null = null;
  return (request, options) => {
    known ??= targetsOf(declared);
    const target = options?.env?.incoming?.url;
    const path = known.get(withoutQuery(target ?? "")) ?? withoutSlash(getPath(request));
    // A stream has one spelling: all others would come by the general way, which ends it at once.
    const isMisspelt = target !== undefined && streamKeyOf(path) !== null && streamKeyOf(target) === null;
    return isMisspelt ? target : path;
  };
}

/**
 * @param paths without a trailing slash
 * @returns the path that a route is declared for, by what a client may ask for
 */
export function targetsOf(paths: Iterable<string>): ReadonlyMap<string, string> {
  return new Map(Array.from(paths).flatMap((path) => [path, `${path}/`].map((target) => [target, path])));
}

/** @param target as the request's first line has it */
export function withoutQuery(target: string): string {
  const end = target.indexOf("?");
  return end === -1 ? target : target.slice(0, end);
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
