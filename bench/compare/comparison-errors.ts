/** How a comparison ends without figures. The entry turns each into an exit code; nobody else does. */

/** What was asked for cannot be done: a wrong option, a revision that is not there. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A server or the load tool did not do its part. */
export class ComparisonError extends Error {
  override readonly name = "ComparisonError";
}
