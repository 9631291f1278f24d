/**
 * What a segment asks, as a tree of rules, and whether it holds for an evaluation: the cheapest first. A
 * condition has no effect but its answer, so their order changes only what is spent. What a condition looks
 * at is not its concern.
 */

/** Answers conditions for one identity. */
export interface Answers {
  /**
   * @param property the index of what the condition looks at
   * @param question the index of the condition among those of its property
   */
  answer(property: number, question: number): boolean;
}

interface RuleFacts {
  /** Whether it must hold, or must not. */
  readonly isWanted: boolean;
  /** What it costs, at most, in units of a comparison. */
  readonly cost: number;
}

/** One condition. */
export interface ConditionRule extends RuleFacts {
  readonly kind: "condition";
  readonly property: number;
  readonly question: number;
}

/** Several rules: all of them, or any of them. */
interface GroupRule extends RuleFacts {
  readonly kind: "all" | "any";
  /** The cheapest first. */
  readonly rules: readonly Rule[];
  /** The conditions that the rules begin with, packed: two numbers each, one beside the other in memory. */
  readonly conditions: Int32Array;
}

export type Rule = ConditionRule | GroupRule;

const noRules = { isWanted: true, cost: 0, rules: [], conditions: new Int32Array() };
export const always: Rule = { kind: "all", ...noRules };
export const never: Rule = { kind: "any", ...noRules };

/** @returns the rule that holds where all of these hold */
export function every(rules: readonly Rule[]): Rule {
  return group("all", rules);
}

/** @returns the rule that holds where at least one of these holds */
export function some(rules: readonly Rule[]): Rule {
  return group("any", rules);
}

/** @returns the rule that holds where none of these holds */
export function none(rules: readonly Rule[]): Rule {
  const any = some(rules);
  return { ...any, isWanted: !any.isWanted };
}

/** A group in a group of its kind is taken apart: most segments become one list of conditions. */
function group(kind: GroupRule["kind"], rules: readonly Rule[]): Rule {
  const [only, ...others] = rules;
  if (only !== undefined && others.length === 0) return only;
  const parts = rules
    .flatMap((rule) => (rule.kind === kind && rule.isWanted ? rule.rules : [rule]))
    .sort((left, right) => left.cost - right.cost);
  return {
    kind,
    isWanted: true,
    cost: parts.reduce((total, { cost }) => total + cost, 0),
    rules: parts,
    conditions: packConditions(parts),
  };
}

/** A condition's numbers: its property; twice its question, and one more where it is wanted. */
function packConditions(rules: readonly Rule[]): Int32Array {
  const numbers: number[] = [];
  for (const rule of rules) {
    if (rule.kind !== "condition") break;
    numbers.push(rule.property, rule.question * 2 + Number(rule.isWanted));
  }
  return Int32Array.from(numbers);
}

/** Whether a rule holds for whoever the answers are of. */
export function holds(rule: Rule, answers: Answers): boolean {
  if (rule.kind === "condition") return answers.answer(rule.property, rule.question) === rule.isWanted;
  // All of them hold until one does not; none of them until one does.
  const isEnding = rule.kind === "any";
  const { conditions, rules } = rule;
  for (let at = 0; at < conditions.length; at += 2) {
    const question = conditions[at + 1]!;
    const isHeld = answers.answer(conditions[at]!, question >> 1) === ((question & 1) === 1);
    if (isHeld === isEnding) return isEnding === rule.isWanted;
  }
  for (let at = conditions.length / 2; at < rules.length; at += 1) {
    if (holds(rules[at] as Rule, answers) === isEnding) return isEnding === rule.isWanted;
  }
  return isEnding !== rule.isWanted;
}
