// Reads everything that starts with a parenthesis: groups, look-arounds, flags, comments, references and
// conditions. What stands inside it leaves to the reader that called.

import { invalid } from "./pattern-error.ts";
import { changeFlags, flagLetters, type RegexFlags } from "./pattern-flags.ts";
import type { PatternSource } from "./pattern-source.ts";
import type { PatternState } from "./pattern-state.ts";
import { choiceNode, lookNode, type RegexNode, sequenceNode } from "./regex-node.ts";

/** What a group needs from the reader of the sequence it stands in. */
export interface GroupReader {
  readonly source: PatternSource;
  readonly state: PatternState;
  readonly flags: RegexFlags;
  readInner(flags: RegexFlags): RegexNode;
  readInnerSequence(): RegexNode;
  referenceTo(group: number): RegexNode;
  setGlobalFlags(letters: string): void;
}

const identifier = /^[\p{XID_Start}_]\p{XID_Continue}*$/u;
// What int() takes, but for the digits of other scripts.
const groupNumber = /^\s*\+?\d+(_\d+)*\s*$/;

/** What the parenthesis just taken opens; null if it is no item (a comment, global flags). */
export function readGroup(reader: GroupReader): RegexNode | null {
  const { source, flags } = reader;
  if (!source.takeIf("?")) {
    return readCapture(reader, null);
  }
  const token = takeSome(source, "unexpected end of pattern");
  switch (token) {
    case "P":
      return readPythonExtension(reader);
    case ":":
      return readUntilClosed(reader, flags);
    case "#":
      return skipComment(source);
    case "=":
    case "!":
      return lookNode(true, token === "!", readUntilClosed(reader, flags));
    case "<":
      return readLookbehind(reader);
    case "(":
      return readConditional(reader);
    case ">":
      reader.state.noteUnsupported("an atomic group");
      return readUntilClosed(reader, flags);
    default:
      if (token === "-" || flagLetters.includes(token)) {
        return readFlags(reader, token);
      }
      throw invalid(`unknown extension ?${token}`);
  }
}

function readCapture(reader: GroupReader, name: string | null): RegexNode {
  const group = reader.state.openGroup(name);
  const body = readUntilClosed(reader, reader.flags);
  reader.state.closeGroup(group, body);
  return body;
}

function readUntilClosed(reader: GroupReader, flags: RegexFlags): RegexNode {
  const body = reader.readInner(flags);
  closeParenthesis(reader.source);
  return body;
}

function closeParenthesis(source: PatternSource): void {
  if (!source.takeIf(")")) {
    throw invalid("missing ), unterminated subpattern");
  }
}

function takeSome(source: PatternSource, otherwise: string): string {
  const token = source.take();
  if (token === null) {
    throw invalid(otherwise);
  }
  return token;
}

function readPythonExtension(reader: GroupReader): RegexNode {
  const { source, state } = reader;
  if (source.takeIf("<")) {
    return readCapture(reader, checkedName(source.takeUntil(">", "group name")));
  }
  if (source.takeIf("=")) {
    const group = state.groupNamed(checkedName(source.takeUntil(")", "group name")));
    state.checkReference(group);
    return reader.referenceTo(group);
  }
  throw invalid(`unknown extension ?P${takeSome(source, "unexpected end of pattern")}`);
}

function checkedName(name: string): string {
  if (!identifier.test(name)) {
    throw invalid(`bad character in group name '${name}'`);
  }
  return name;
}

function skipComment(source: PatternSource): null {
  while (takeSome(source, "missing ), unterminated comment") !== ")") {
    // The loop condition takes what is skipped.
  }
  return null;
}

function readLookbehind(reader: GroupReader): RegexNode {
  const { source, state } = reader;
  const token = takeSome(source, "unexpected end of pattern");
  if (token !== "=" && token !== "!") {
    throw invalid(`unknown extension ?<${token}`);
  }
  const outermost = state.lookbehindGroups === null;
  if (outermost) {
    state.lookbehindGroups = state.groups;
  }
  const body = reader.readInner(reader.flags);
  if (outermost) {
    state.lookbehindGroups = null;
  }
  closeParenthesis(source);
  return lookNode(false, token === "!", body);
}

function readConditional(reader: GroupReader): RegexNode {
  const { source, state } = reader;
  const name = source.takeUntil(")", "group name");
  state.checkCondition(identifier.test(name) ? state.groupNamed(name) : conditionNumber(name));
  state.noteUnsupported("a conditional group");
  const whenMatched = reader.readInnerSequence();
  const otherwise = source.takeIf("|") ? reader.readInnerSequence() : sequenceNode([]);
  if (source.next === "|") {
    throw invalid("conditional backref with more than two branches");
  }
  closeParenthesis(source);
  return choiceNode([whenMatched, otherwise]);
}

function conditionNumber(name: string): number {
  const group = groupNumber.test(name) ? Number(name.replaceAll("_", "")) : 0;
  if (group === 0) {
    throw invalid(`bad character in group name '${name}'`);
  }
  return group;
}

/** `(?i)` for the whole pattern, `(?i-s:…)` for a part of it; `token` is the first letter, or the minus. */
function readFlags(reader: GroupReader, token: string): RegexNode | null {
  const { source } = reader;
  let end = token;
  let added = "";
  if (token !== "-") {
    [added, end] = readFlagLetters(source, token, ")-:", "missing -, : or )");
    checkAdded(added);
  }
  if (end === ")") {
    reader.setGlobalFlags(added);
    return null;
  }
  if (added.includes("t")) {
    throw invalid("bad inline flags: cannot turn on global flag");
  }
  let removed = "";
  if (end === "-") {
    const first = takeSome(source, "missing flag");
    if (!flagLetters.includes(first)) {
      throw invalid("missing flag");
    }
    [removed] = readFlagLetters(source, first, ":", "missing :");
    checkRemoved(added, removed);
  }
  return readUntilClosed(reader, changeFlags(reader.flags, added, removed));
}

/** The letters from `first` on, and the token of `ends` that ended them. */
function readFlagLetters(
  source: PatternSource,
  first: string,
  ends: string,
  otherwise: string,
): [string, string] {
  let letters = first;
  for (;;) {
    const token = takeSome(source, otherwise);
    if (ends.includes(token)) {
      return [letters, token];
    }
    if (!flagLetters.includes(token)) {
      throw invalid(`unknown flag, or ${otherwise}`);
    }
    letters += token;
  }
}

function checkAdded(added: string): void {
  if (added.includes("L")) {
    throw invalid("bad inline flags: cannot use 'L' flag with a str pattern");
  }
  if (added.includes("a") && added.includes("u")) {
    throw invalid("bad inline flags: flags 'a', 'u' and 'L' are incompatible");
  }
}

function checkRemoved(added: string, removed: string): void {
  if (/[auL]/.test(removed)) {
    throw invalid("bad inline flags: cannot turn off flags 'a', 'u' and 'L'");
  }
  if (removed.includes("t")) {
    throw invalid("bad inline flags: cannot turn off global flag");
  }
  if (Array.from(added).some((letter) => removed.includes(letter))) {
    throw invalid("bad inline flags: flag turned on and off");
  }
}
