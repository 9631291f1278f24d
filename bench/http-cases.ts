/** What the HTTP benchmark asks for, and how much dearer than the bare server each may be. */
import {
  clientKey,
  heavyProfile,
  type Profile,
  sampleIdentities,
  serverKey,
  standardProfile,
} from "./profile-document.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For a POST: the same body each time, or another with each request. */
  readonly bodies: "none" | "same" | "distinct";
}

export interface HttpCase {
  readonly name: string;
  /** The environment that is served. */
  readonly profileName: keyof typeof servedProfiles;
  readonly request: HttpRequest;
  /** The request is sent again with the ETag of its first answer. */
  readonly revalidates: boolean;
  /** The most that our CPU time may be of the bare server's (issue 3). */
  readonly targetRatio: number;
}

export const servedProfiles = {
  standard: standardProfile,
  heavy: heavyProfile,
} satisfies Record<string, Profile>;

/** As SDKs and curl send them. */
const client = { "x-environment-key": clientKey, accept: "*/*", "user-agent": "bench/1.0" };
const server = { ...client, "x-environment-key": serverKey };
const json = { "content-type": "application/json" };

export const httpCases: readonly HttpCase[] = [
  get("GET flags", "/api/v1/flags/", 1.15),
  get("GET flags?feature=", "/api/v1/flags/?feature=feature_number_7", 1.15),
  { ...get("GET flags, 304", "/api/v1/flags/", 1.15), revalidates: true },
  get("GET environment-document", "/api/v1/environment-document/", 1.15, server),
  get("GET environment-document, br", "/api/v1/environment-document/", 1.15, {
    ...server,
    "accept-encoding": "gzip, deflate, br",
  }),
  get("GET identities, same again", "/api/v1/identities/?identifier=user-00000001", 1.25),
  post("same", "POST identities, same body again", 1.25),
  post("distinct", "POST identities, another body each time", 2.5),
  {
    ...post("distinct", "POST identities, another body each time, heavy profile", 4),
    profileName: "heavy",
  },
];

/** @throws Error where there is no such case */
export function httpCase(name: string): HttpCase {
  const found = httpCases.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no case "${name}"`);
  return found;
}

/** How many different bodies a distinct case sends before it begins anew: more than any cache holds. */
export const distinctBodies = 100_000;
const identities = sampleIdentities(100);

/** @returns the body of the request with this number: an identity with eight traits */
export function identityBody(bodies: HttpRequest["bodies"], number: number): string {
  if (bodies === "none") return "";
  const which = bodies === "same" ? 1 : number % distinctBodies;
  const { identifier, traits } = identities[which % identities.length] ?? { identifier: "", traits: {} };
  return JSON.stringify({
    identifier: which < standardProfile.identityOverrides ? identifier : `visitor-${1_000_000 + which}`,
    traits: Object.entries(traits).map(([key, value]) => ({ trait_key: key, trait_value: value })),
  });
}

function get(
  name: string,
  path: string,
  targetRatio: number,
  headers: HttpRequest["headers"] = client,
): HttpCase {
  const request: HttpRequest = { method: "GET", path, headers, bodies: "none" };
  return { name, profileName: "standard", request, revalidates: false, targetRatio };
}

function post(bodies: "same" | "distinct", name: string, targetRatio: number): HttpCase {
  const headers = { ...client, ...json };
  const request: HttpRequest = { method: "POST", path: "/api/v1/identities/", headers, bodies };
  return { name, profileName: "standard", request, revalidates: false, targetRatio };
}
