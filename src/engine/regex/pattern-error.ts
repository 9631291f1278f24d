// Why a pattern is refused, and the error that carries it from the parser to `compileRegex`, which never
// lets it out.

/** Why: see `compileRegex`. */
export type RegexRefusal = "invalid" | "unsupported" | "unproven";

/** Ends the reading of a pattern; the message is prose for an operator. */
export class RefusedPatternError extends Error {
  readonly refusal: RegexRefusal;

  constructor(refusal: RegexRefusal, message: string) {
    super(message);
    this.refusal = refusal;
  }
}

/** What Python would raise `re.error` (or OverflowError, ValueError) on. */
export function invalid(message: string): RefusedPatternError {
  return new RefusedPatternError("invalid", message);
}
