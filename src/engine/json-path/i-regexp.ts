/**
 * The regular expressions of `match()` and `search()` in JSONPath filters: I-Regexp (RFC 9485), as the
 * reference's checker reads it. They run on RE2, so none can backtrack.
 */

const normal = /[^()*+.?[\\\]{|}]/uy;
const escaped = /\\[()*+\-.?[\\\]^nrt{|}]/y;
const category = "\\\\[pP]\\{(?:C[cfno]?|L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|S[ckmo]?|Z[lps]?)\\}";
const classCharacter = "(?:[^\\-\\[\\\\\\]]|\\\\[()*+\\-.?\\[\\\\\\]\\^nrt\\{\\|\\}])";
const classPart = `(?:${classCharacter}(?:-${classCharacter})?|${category})`;
const classExpression = new RegExp(`\\[\\^?(?:-|${classPart})${classPart}*-?\\]`, "uy");
/** The reference's checker knows one digit each, which the RFC does not say. */
const quantifier = /[*+?]|\{[0-9](?:,[0-9]?)?\}/y;
const atoms: readonly RegExp[] = [normal, escaped, new RegExp(category, "y"), classExpression];

/** @returns the expression for RE2, or null where it is not an I-Regexp: nothing matches it then */
export function toRe2(pattern: string): string | null {
  let position = 0;
  let openGroups = 0;
  let mayRepeat = false;
  let expression = "";
  const accept = (token: RegExp): string | null => {
    token.lastIndex = position;
    return token.exec(pattern)?.[0] ?? null;
  };
  while (position < pattern.length) {
    const character = pattern.charAt(position);
    let text: string | null = character;
    if (character === "(") openGroups += 1;
    else if (character === ")") openGroups -= 1;
    else if (character === "|") mayRepeat = false;
    else if (accept(quantifier) !== null) text = mayRepeat ? accept(quantifier) : null;
    else if (character !== ".") text = firstOf(atoms, accept);
    if (text === null || openGroups < 0) return null;
    mayRepeat = character !== "(" && character !== "|" && accept(quantifier) === null;
    expression += text === "." ? "[^\\r\\n]" : text;
    position += text.length;
  }
  return openGroups === 0 ? expression : null;
}

function firstOf(tokens: readonly RegExp[], accept: (token: RegExp) => string | null): string | null {
  for (const token of tokens) {
    const text = accept(token);
    if (text !== null) return text;
  }
  return null;
}
