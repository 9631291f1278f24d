/**
 * Decides by a request's head whether its body is read before it is routed: only where the routes would read
 * it whatever comes. Everything else they answer before (contract A3), or read themselves.
 */
import type { IncomingMessage } from "node:http";
import { RequestError } from "../models/errors.ts";
import type { RequestLimits } from "../models/settings.ts";
import type { KeyResolver } from "../services/environments/key-directory.ts";
import { accessByKey } from "./environment-access.ts";
import { hasLegalHost } from "./request-host.ts";
import { targetsOf } from "./request-path.ts";

interface AwaitedBodiesOptions {
  /** Of the routes that read a POST's body, without a trailing slash; both views may ask them. */
  readonly paths: readonly string[];
  readonly limits: RequestLimits;
  readonly resolveKey: KeyResolver;
}

/** @returns whether the body of this request is to be read first */
export function awaitsBody({ paths, limits, resolveKey }: AwaitedBodiesOptions) {
  const targets = targetsOf(paths);
  return (request: IncomingMessage): boolean =>
    request.method === "POST" &&
    targets.has(request.url ?? "") &&
    hasLegalHost(request) &&
    hasLengthUpTo(request, limits.bodyBytesMax) &&
    request.headers["content-encoding"] === undefined &&
    !(accessByKey(request.headers["x-environment-key"], resolveKey) instanceof RequestError);
}

function hasLengthUpTo({ headers }: IncomingMessage, bytesMax: number): boolean {
  const announced = headers["content-length"];
  return announced !== undefined && Number(announced) <= bytesMax;
}
