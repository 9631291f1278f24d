/**
 * The path that a request is routed by, without a trailing slash (contract A1). Targets that routes are
 * declared for are looked up as they stand; all others take hono's way, which decodes and cuts.
 */
import { getPath } from "hono/utils/url";
import type { AppEnvironment } from "./http-context.ts";

type PathReader = (request: Request, options?: { env?: AppEnvironment["Bindings"] }) => string;

/** @param declared the paths of routes, without a trailing slash; complete when the first request comes */
export function createPathReader(declared: Iterable<string>): PathReader {
  const known = new Map<string, string>();
  return (request, options) => {
    if (known.size === 0) for (const path of declared) known.set(path, path).set(`${path}/`, path);
    const target = options?.env?.incoming?.url ?? "";
    const end = target.indexOf("?");
    return known.get(end === -1 ? target : target.slice(0, end)) ?? withoutSlash(getPath(request));
  };
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
