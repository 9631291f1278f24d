/**
 * What the clients of a soak ask for, how often, and what each is to be answered: a day of many clients in
 * small, with those that are wrong. It sends nothing.
 */
import { type HttpRequest, httpCase } from "../http-cases.ts";
import type { Outcome } from "../load-outcomes.ts";
import { requestText } from "../request-text.ts";

export interface SoakRequest {
  readonly name: string;
  readonly planned: Outcome;
  /** Of a thousand requests. */
  readonly perThousand: number;
  /** @param number of this request: those that are to differ differ by it */
  readonly textOf: (number: number) => string;
}

const flags = httpCase("GET flags").request;
const identities = httpCase("GET identities, same again").request;
const postSame = httpCase("POST identities, same body again").request;
const postDistinct = httpCase("POST identities, another body each time").request;
const environmentDocument = httpCase("GET environment-document").request;

/** As long as the limit of bodies and more; none of it is sent. */
const tooLong = { "content-length": "300000" };

export const soakRequests: readonly SoakRequest[] = [
  asked("GET flags", 360, "200", flags),
  asked("GET flags?feature=", 140, "200", httpCase("GET flags?feature=").request),
  // The document changes each second, and with it the ETag: any will do.
  asked("GET flags, 304", 110, "304", { ...flags, headers: { ...flags.headers, "if-none-match": "*" } }),
  asked("GET identities, same", 90, "200", identities),
  {
    name: "GET identities, another each time",
    planned: "200",
    perThousand: 80,
    textOf: (number) => requestText(flags, 0).replace(flags.path, `${identities.path}-${number}`),
  },
  asked("POST identities, same", 90, "200", postSame),
  asked("POST identities, another each time", 80, "200", postDistinct),
  asked("GET environment-document", 10, "200", environmentDocument),
  asked("a wrong key", 16, "401", { ...flags, headers: { ...flags.headers, "x-environment-key": "nobody" } }),
  asked("no such feature", 8, "404", { ...flags, path: `${flags.path}?feature=nothing` }),
  {
    name: "a malformed body",
    planned: "400",
    perThousand: 8,
    textOf: () => `${headOf("POST", postSame.path, { ...postSame.headers, "content-length": "9" })}{"traits"`,
  },
  {
    name: "a body that is too long",
    planned: "413",
    perThousand: 4,
    textOf: () => headOf("POST", postSame.path, { ...postSame.headers, ...tooLong }),
  },
  { name: "no HTTP", planned: "400", perThousand: 4, textOf: () => `GET ${flags.path} HTTP/9.9\r\n\r\n` },
];

/** Which request comes at which place of a thousand: all kinds are spread evenly. */
export function requestOrder(requests: readonly SoakRequest[]): readonly number[] {
  const sorted = requests.flatMap(({ perThousand }, index) => Array<number>(perThousand).fill(index));
  // A step that has no divisor in common with the length meets each place once.
  return sorted.map((_, place) => sorted[(place * 373) % sorted.length] as number);
}

/** What clients have sent when they go away (E47). */
export const abortedTexts: readonly string[] = [
  requestText(flags, 0).slice(0, 40),
  `${headOf("POST", postSame.path, { ...postSame.headers, "content-length": "1000" })}{"identifier":`,
  requestText(environmentDocument, 0),
  requestText(postSame, 0),
  `${headOf("POST", postSame.path, { ...postSame.headers, "transfer-encoding": "chunked" })}5\r\n{"ide`,
];

function asked(name: string, perThousand: number, planned: Outcome, request: HttpRequest): SoakRequest {
  return { name, planned, perThousand, textOf: (number) => requestText(request, number) };
}

function headOf(method: string, path: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ host: "127.0.0.1:8000", ...headers });
  const texts = lines.map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${texts.join("")}\r\n`;
}
