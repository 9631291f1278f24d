// Every limit of the regular-expression room, with its unit in its name. It holds numbers only; what
// happens at a limit is decided where the limit is checked.

/** Longer patterns are refused: some of this length take 100 ms to compile. */
export const patternCodePointsMax = 5_000;

/** Deeper parentheses are refused. Python itself raises RecursionError a little below 500 levels. */
export const nestingLevelsMax = 250;

/**
 * The bounds of the ranges of all different character classes of a pattern. One with `\w` has 1,500;
 * 200,000 are compiled in 80 ms.
 */
export const classBoundsMax = 200_000;

/** RE2 refuses a counted repeat above this, and nested ones whose product is above it. */
export const re2RepeatCountMax = 1_000;

/**
 * What counted repeats may add to an RE2 program, in positions (one position is one character set). RE2
 * steps every active position at every character: 4,000 of them cost 150 ms on 2,000 characters, 1,000 cost
 * below 40 ms.
 */
export const re2UnrolledPositionsMax = 1_000;

/** The JavaScript engine sees no longer text (contract A13): a longer one does not match. */
export const javascriptTextCharactersMax = 2_000;

/** The steps of the analysis of one part, after which the pattern is refused; this many take 20 to 60 ms. */
export const analysisStepsMax = 20_000;

/** Larger patterns are not analysed: positions of the pattern and of all its look-arounds together. */
export const analysedPositionsMax = 300;

/**
 * What a backtracking engine may do per character of the text, in ways through the choices of a pattern,
 * times the width of look-arounds tried all along the text. The analysis bounds growth with the text, this
 * bounds the factor.
 */
export const backtrackStepsPerCharacterMax = 4_096;
