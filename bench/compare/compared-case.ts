/**
 * What both servers are asked for: the cases of the HTTP benchmark by short names, or a request of the
 * command line. It sends nothing.
 */
import { httpCases, identityBody } from "../http-cases.ts";
import { UsageError } from "./comparison-errors.ts";

export interface ComparedRequest {
  readonly method: string;
  readonly path: string;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** What each request carries, empty for nothing; null: another identity with each. */
  readonly body: string | null;
}

export interface ComparedCase {
  readonly name: string;
  readonly request: ComparedRequest;
  /** The request is sent again with the ETag of its first answer. */
  readonly revalidates: boolean;
  /** What the servers must answer; null: anything below 400, if both answer the same. */
  readonly expectedStatus: number | null;
}

/** Short names to those of the HTTP benchmark. */
const titles: Readonly<Record<string, string>> = {
  flags: "GET flags",
  feature: "GET flags?feature=",
  "not-modified": "GET flags, 304",
  document: "GET environment-document",
  "identities-same": "POST identities, same body again",
  "identities-distinct": "POST identities, another body each time",
};

export const caseNames: readonly string[] = Object.keys(titles);

/**
 * @param headers added to those of the case, or put in their place
 * @throws UsageError where there is no such case
 */
export function namedCase(name: string, headers: ComparedRequest["headers"]): ComparedCase {
  const found = httpCases.find(({ name: title }) => title === titles[name]);
  if (found === undefined) throw new UsageError(`--case ${name}: not one of ${caseNames.join(", ")}`);
  const { method, path, headers: own, bodies } = found.request;
  const body = bodies === "distinct" ? null : identityBody(bodies, 1);
  return {
    name,
    request: { method, path, headers: { ...own, ...headers }, body },
    revalidates: found.revalidates,
    expectedStatus: found.revalidates ? 304 : 200,
  };
}

/** A request as the command line gives it. */
export function customCase(request: ComparedRequest): ComparedCase {
  return { name: "custom", request, revalidates: false, expectedStatus: null };
}

/** @returns the body of the request with this number */
export function bodyText({ body }: ComparedRequest, number: number): string {
  return body ?? identityBody("distinct", number);
}
