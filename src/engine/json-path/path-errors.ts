/**
 * What a JSONPath can fail with. The kinds have different consequences: none may stand for another.
 */

/** The text is no JSONPath: the reference then reads it as a trait's name (contract B 5.4). */
export class PathSyntaxError extends Error {
  override readonly name = "PathSyntaxError";
}

/** The reference raises here, while it compiles or while it searches: the condition is "no match" (A13). */
export class PathRaisedError extends Error {
  override readonly name = "PathRaisedError";
}

/** The reference gives the search up: the value counts as not set. */
export class PathTooDeepError extends Error {
  override readonly name = "PathTooDeepError";
}
