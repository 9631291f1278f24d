/**
 * Reads JSON text and says where it is broken. It must not use the engine's message: that one quotes the
 * text, keys included.
 */

/** The value of a JSON text, or what is wrong and where. */
export type JsonReading = { readonly value: unknown } | { readonly fault: string };

/**
 * Reads JSON.
 *
 * @param text the text, without a byte order mark
 */
export function readJson(text: string): JsonReading {
  try {
    return { value: JSON.parse(text) };
  } catch {
    const { offset, what } = locateFault(text);
    const before = text.slice(0, offset).split("\n");
    const column = (before.at(-1) ?? "").length + 1;
    return { fault: `not valid JSON: ${what} at line ${before.length}, column ${column}` };
  }
}

/** What may come next: a value, a name, a colon, a comma or an end; `first` where an end may come at once. */
type Expected = "value" | "first value" | "name" | "first name" | "colon" | "separator" | "nothing";

interface Fault {
  /** In UTF-16 units from the start. */
  readonly offset: number;
  readonly what: string;
}

const marks = "[{}\\[\\],:]";
const string = '"(?:[^"\\\\\\u0000-\\u001f]|\\\\(?:["\\\\/bfnrt]|u[0-9a-fA-F]{4}))*"';
const literal = "-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][+-]?\\d+)?|true|false|null";

/** Walks the tokens of a text that JSON.parse refused, up to the first that cannot stand where it stands. */
function locateFault(text: string): Fault {
  const token = new RegExp(`[ \\t\\r\\n]*(?:(${marks})|(${string})|(?:${literal}))`, "y");
  const blanks = /[ \t\r\n]*/y;
  const open: string[] = [];
  let expected: Expected = "value";
  for (;;) {
    blanks.lastIndex = token.lastIndex;
    blanks.exec(text);
    const offset = blanks.lastIndex;
    const match = token.exec(text);
    if (match === null) return { offset, what: describeBroken(text, offset) };
    const mark = match[1] ?? (match[2] === undefined ? "literal" : "string");
    const next = advance(expected, mark, open);
    if (next === null) return { offset, what: describeMisplaced(expected, mark) };
    expected = next;
  }
}

/**
 * What may follow the token, or null where the token is out of place. `open` holds the brackets not closed.
 */
function advance(expected: Expected, mark: string, open: string[]): Expected | null {
  const afterValue = () => (open.length === 0 ? "nothing" : "separator");
  if (expected === "colon") return mark === ":" ? "value" : null;
  if (expected === "name" || expected === "first name") {
    if (mark === "string") return "colon";
    if (mark !== "}" || expected === "name") return null;
    open.pop();
    return afterValue();
  }
  if (expected === "separator") {
    const opener = open.at(-1);
    if (mark === ",") return opener === "{" ? "name" : "value";
    if (mark !== (opener === "{" ? "}" : "]")) return null;
    open.pop();
    return afterValue();
  }
  if (expected === "nothing") return null;
  if (mark === "{" || mark === "[") {
    open.push(mark);
    return mark === "{" ? "first name" : "first value";
  }
  if (mark === "string" || mark === "literal") return afterValue();
  if (mark !== "]" || expected === "value") return null;
  open.pop();
  return afterValue();
}

function describeBroken(text: string, offset: number): string {
  const start = text.charAt(offset);
  if (start === "") return "the text ends too early";
  if (start === "/" || start === "#") return "a comment, which JSON does not have,";
  if (start === "'") return "single quotes, where JSON has double quotes,";
  if (start === '"') return "text that is not closed, or holds a line break or an unknown escape,";
  return "an unexpected character";
}

function describeMisplaced(expected: Expected, mark: string): string {
  if ((mark === "}" && expected === "name") || (mark === "]" && expected === "value")) {
    return "a comma too many before the closing bracket";
  }
  if (expected === "separator") return "a missing comma";
  if (expected === "colon") return "a missing colon";
  if (expected === "nothing") return "more text after the end";
  return "a missing value or name";
}
