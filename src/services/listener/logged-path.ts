/**
 * The path of a request as the access log may show it: decoded, dot segments resolved, without the query and
 * without what is secret in it. It must not be used to find a route.
 */

/**
 * What comes behind it is the key of a stream (contract A10), or the secret of a webhook. Nothing behind it
 * is shown, whatever the path looks like: a mistyped one holds the secret too, and is logged with its 404.
 */
const beforeSecret = /environments|webhook/i;

/** Letters, digits and signs that need no encoding (RFC 3986, 2.3), what parts segments, and `%`. */
const needlesslyEncoded = /%(?:25|2[def]|3\d|4[1-9a-f]|5[0-9acf]|6[1-9a-f]|7[0-9ae])/gi;
/** The router decodes once, and keys once more. Text that is encoded more often hides something. */
const decodingsMax = 4;

const schemeAndHost = /^[a-z][a-z\d+.-]*:[/\\]{2}[^/\\?#]*/i;
const query = /[?#]/;
/** Of a path that was encoded with it. */
const encodedQuery = /%3f|%23/i;
/** What URLs are read without, wherever it stands. */
const dropped = /[\t\n\r]/g;

/** @param target as the request's first line has it */
export function loggedPath(target: string): string {
  const [encoded = ""] = target.replace(dropped, "").replace(schemeAndHost, "").split(query, 1);
  const path = decoded(encoded)?.split(encodedQuery, 1)[0];
  if (path === undefined) return "…";
  const word = beforeSecret.exec(path);
  if (word === null) return resolved(path);
  const end = word.index + word[0].length;
  return resolved(path.slice(0, end)) + masked(path.slice(end));
}

/** @returns null where it was encoded too often */
function decoded(path: string): string | null {
  let text = path;
  for (let times = 0; times < decodingsMax; times += 1) {
    const next = text.replace(needlesslyEncoded, (code) =>
      String.fromCharCode(Number.parseInt(code.slice(1), 16)),
    );
    if (next === text) return text;
    text = next;
  }
  return null;
}

function resolved(path: string): string {
  if (path === "" || path === "*") return path === "" ? "/" : path;
  // After a host, so that a path of two slashes names none.
  return path.startsWith("/") ? (URL.parse(`http://host${path}`)?.pathname ?? "…") : "…";
}

/** @param rest behind the word: all that is shown is that it is there, and whether it ends as a stream's */
function masked(rest: string): string {
  if (/^[/\\]*$/.test(rest)) return rest;
  const slash = /^[/\\]/.test(rest) ? "/" : "";
  return `${slash}…${/[/\\]stream[/\\]?$/.test(rest) ? "/stream" : ""}`;
}
