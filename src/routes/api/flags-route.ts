/**
 * GET flags (contract A4): the whole list or one flag, as it was prepared. It never evaluates anything.
 */
import { RequestError } from "../../models/errors.ts";
import { accessEnvironment } from "../environment-access.ts";
import type { AppContext } from "../http-context.ts";
import { answerPrepared } from "../prepared-answers.ts";
import { queryParameter, rawQuery } from "../query-parameters.ts";
import type { RouteDependencies } from "../route-dependencies.ts";

/** `?feature=` asks for one flag; 404 where the view shows no such. */
export function createFlagsRoute({ resolveKey, respondError, cors }: RouteDependencies) {
  return (context: AppContext): Response => {
    const access = accessEnvironment(context, resolveKey);
    if (access instanceof RequestError) return respondError(context, access);
    const { flags } = access.snapshot.views[access.view];
    const counted = access.counts.flags;
    const query = rawQuery(context);
    const asked = query === "" ? flags.list : flags.findAsked(query);
    if (asked !== undefined) return answerPrepared(context, cors, asked, counted);
    // An empty name asks for the whole list, as in proxy-py.
    const feature = queryParameter(context, "feature");
    if (feature === null) return answerPrepared(context, cors, flags.list, counted);
    const name = feature.text ?? feature.raw;
    const flag = flags.find(name);
    return flag === null
      ? respondError(context, featureNotFound(name))
      : answerPrepared(context, cors, flag, counted);
  };
}

/** Also for features that exist but are hidden from this view: the two must look the same. */
export function featureNotFound(name: string): RequestError {
  return new RequestError("not_found", `feature '${name}' not found`);
}
