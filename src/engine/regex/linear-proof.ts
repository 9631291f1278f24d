// Proves that a backtracking engine needs no more than linear time for a pattern with look-arounds. It must
// never answer yes on a guess, and must answer the same on every machine.

import { backtrackingForm, hasLoop, waysThrough } from "./backtracking-form.ts";
import { ambiguityOf } from "./path-ambiguity.ts";
import { positionAutomaton } from "./position-automaton.ts";
import { analysedPositionsMax, analysisStepsMax, backtrackStepsPerCharacterMax } from "./regex-limits.ts";
import type { RegexNode } from "./regex-node.ts";

/**
 * What is analysed on its own: the pattern, or the inside of a look-around, in the form without
 * look-arounds.
 */
type Part = { readonly form: RegexNode; readonly stepsPerCharacter: number };

/**
 * Null if the JavaScript engine runs `node`, anchored at the start, in linear time; else why that is not
 * proved.
 * - Each part is analysed with a tail that always fails, since an assertion left out of it may fail.
 * - A look-around that may be tried all along the text must be of bounded width, else it costs the square.
 */
export function whyNotLinear(node: RegexNode): string | null {
  const form = backtrackingForm(node);
  const ways = waysThrough(form);
  const parts = [{ form, stepsPerCharacter: ways }, ...lookaroundParts(node, ways, false)];
  const stepsPerCharacter = parts.reduce((steps, part) => steps + part.stepsPerCharacter, 0);
  if (stepsPerCharacter > backtrackStepsPerCharacterMax) {
    return "too many choices, or a look-around of unbounded width that is tried again and again";
  }
  if (parts.reduce((positions, part) => positions + part.form.positions, 0) > analysedPositionsMax) {
    return `more than ${analysedPositionsMax} positions to analyse`;
  }
  for (const part of parts.filter(({ form }) => hasLoop(form))) {
    const ambiguity = ambiguityOf(positionAutomaton(part.form), analysisStepsMax);
    if (ambiguity !== "bounded") {
      return ambiguity === "unknown" ? "too much to analyse" : "super-linear backtracking";
    }
  }
  return null;
}

/**
 * The insides of all look-arounds below `node`, nested ones too. `steps` is how often the place of `node`
 * is visited, per character of the text if `repeated`, else at all.
 */
function lookaroundParts(node: RegexNode, steps: number, repeated: boolean): Part[] {
  switch (node.kind) {
    case "look": {
      const form = backtrackingForm(node.body);
      const width = repeated ? Math.max(1, node.body.maxWidth) : 1;
      const stepsPerCharacter = steps * waysThrough(form) * width;
      return [{ form, stepsPerCharacter }, ...lookaroundParts(node.body, stepsPerCharacter, repeated)];
    }
    case "choice":
      return node.options.flatMap((option) => lookaroundParts(option, steps, repeated));
    case "repeat":
      return lookaroundParts(node.body, steps, repeated || node.max > 1);
    case "sequence": {
      let after = repeated;
      return node.items.flatMap((item) => {
        const parts = lookaroundParts(item, steps, after);
        after ||= hasLoop(backtrackingForm(item));
        return parts;
      });
    }
    default:
      return [];
  }
}
