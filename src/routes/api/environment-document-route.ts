/**
 * GET environment-document (contract A6): the upstream's bytes, to server keys alone.
 */
import { RequestError } from "../../models/errors.ts";
import { accessEnvironment } from "../environment-access.ts";
import type { AppContext } from "../http-context.ts";
import { answerPrepared } from "../prepared-answers.ts";
import type { RouteDependencies } from "../route-dependencies.ts";

/** A client key is answered 401, as an unknown one is. */
export function createEnvironmentDocumentRoute({ resolveKey, respondError, cors }: RouteDependencies) {
  return (context: AppContext): Response => {
    const access = accessEnvironment(context, resolveKey, ["server"]);
    if (access instanceof RequestError) return respondError(context, access);
    return answerPrepared(context, cors, access.snapshot.document, access.counts.environmentDocument);
  };
}
