/**
 * Parses the filters of JSONPaths, with the reference's precedence and its rules of what may be compared. It
 * leaves the last token of the filter current.
 */
import { PathRaisedError, PathSyntaxError } from "./path-errors.ts";
import { functionSignatures, type PathFunctionName } from "./path-functions.ts";
import { decodePathString } from "./path-strings.ts";
import { type ComparisonOperator, type Expression, isSingular, type PathQuery } from "./path-syntax.ts";
import type { Token, TokenKind, TokenStream } from "./path-token.ts";

const lowestPrecedence = 1;
const prefixPrecedence = 7;
const precedences: ReadonlyMap<TokenKind, number> = new Map<TokenKind, number>([
  ["||", 3],
  ["&&", 4],
  ["==", 5],
  ["!=", 5],
  ["<", 5],
  ["<=", 5],
  [">", 5],
  [">=", 5],
]);

export class FilterParser {
  readonly #stream: TokenStream;
  readonly #parseSegments: (stream: TokenStream) => PathQuery;

  /**
   * @param stream its current token the first after `?`
   * @param parseSegments parses a path, and leaves the first token after it current
   */
  constructor(stream: TokenStream, parseSegments: (stream: TokenStream) => PathQuery) {
    this.#stream = stream;
    this.#parseSegments = parseSegments;
  }

  /** @throws PathSyntaxError where it is no filter; PathRaisedError where its types do not fit */
  parseFilter(): Expression {
    const expression = this.#parseExpression(lowestPrecedence);
    if (returnTypeOf(expression) === "value") throw new PathRaisedError("a value must be compared");
    refuseLiteral(expression);
    return expression;
  }

  #parseExpression(precedence: number): Expression {
    let left = this.#parseOperand(this.#stream.current.kind);
    for (;;) {
      const next = precedences.get(this.#stream.peek.kind);
      if (next === undefined || next < precedence) return left;
      this.#stream.next();
      left = this.#parseInfix(left);
    }
  }

  #parseOperand(kind: TokenKind): Expression {
    const stream = this.#stream;
    switch (kind) {
      case "!":
        stream.next();
        return { kind: "not", right: this.#parseExpression(prefixPrecedence) };
      case "(":
        return this.#parseGroup();
      default:
        return this.#parseArgument(kind);
    }
  }

  /** An operand that may stand among the arguments of a function, too. */
  #parseArgument(kind: TokenKind): Expression {
    const stream = this.#stream;
    switch (kind) {
      case "true":
      case "false":
        return { kind: "literal", value: kind === "true" };
      case "null":
        return { kind: "literal", value: null };
      case "int":
      case "float":
        return { kind: "literal", value: numberOf(stream.current) };
      case "single-quoted":
      case "double-quoted":
        return { kind: "literal", value: decodePathString(stream.current) };
      case "root":
      case "current": {
        stream.next();
        const query = this.#parseSegments(stream);
        stream.backUp();
        return { kind: "query", start: kind, query };
      }
      case "function":
        return this.#parseFunction();
      default:
        throw new PathSyntaxError("expected an operand");
    }
  }

  #parseInfix(left: Expression): Expression {
    const { kind } = this.#stream.next();
    const precedence = precedences.get(kind);
    const right = this.#parseExpression(precedence ?? (kind === "!" ? prefixPrecedence : lowestPrecedence));
    if (precedence === undefined) throw new PathSyntaxError("not an operator");
    if (kind === "&&" || kind === "||") {
      refuseLiteral(left);
      refuseLiteral(right);
      return { kind: kind === "&&" ? "and" : "or", left, right };
    }
    refuseIncomparable(left);
    refuseIncomparable(right);
    return { kind: "comparison", operator: kind as ComparisonOperator, left, right };
  }

  #parseGroup(): Expression {
    const stream = this.#stream;
    stream.next();
    let expression = this.#parseExpression(lowestPrecedence);
    stream.next();
    while (!stream.isAt(")")) {
      if (stream.isAt("end")) throw new PathSyntaxError("unbalanced parentheses");
      expression = this.#parseInfix(expression);
    }
    return expression;
  }

  #parseFunction(): Expression {
    const stream = this.#stream;
    const { text: name } = stream.next();
    const operands: Expression[] = [];
    while (!stream.isAt(")")) {
      let operand = this.#parseArgument(stream.current.kind);
      while (precedences.has(stream.peek.kind)) {
        stream.next();
        operand = this.#parseInfix(operand);
      }
      operands.push(operand);
      stream.next();
      if (stream.isAt(")")) break;
      stream.expect(",");
      stream.next();
    }
    return { kind: "function", name: checkedName(name, operands), arguments: operands };
  }
}

function numberOf({ kind, text }: Token): number {
  const whole = kind === "int" ? text : (text.split(".")[0] as string);
  if (/^(?:0.|:)/.test(whole)) throw new PathSyntaxError("invalid number");
  const value = Number(text);
  // An integer is read by way of a float, and Python makes no integer of infinity.
  if (kind === "int" && !Number.isFinite(value)) throw new PathRaisedError("integer out of range");
  return value;
}

function returnTypeOf(expression: Expression) {
  return expression.kind === "function" ? functionSignatures.get(expression.name)?.returns : undefined;
}

function refuseLiteral(expression: Expression): void {
  if (expression.kind === "literal") throw new PathSyntaxError("a literal must be compared");
}

function refuseIncomparable(expression: Expression): void {
  const returns = returnTypeOf(expression);
  const isList = expression.kind === "query" && !isSingular(expression.query);
  if (isList || (returns !== undefined && returns !== "value")) throw new PathRaisedError("not comparable");
}

/** Checks that the function exists and that the operands are of its types. */
function checkedName(name: string, operands: readonly Expression[]): PathFunctionName {
  const types = functionSignatures.get(name)?.arguments;
  if (types?.length !== operands.length) throw new PathRaisedError("no such function");
  operands.forEach((operand, index) => {
    const isQuery = operand.kind === "query";
    const fits =
      types[index] === "nodes"
        ? isQuery
        : operand.kind === "literal" ||
          (isQuery && isSingular(operand.query)) ||
          returnTypeOf(operand) === "value";
    if (!fits) throw new PathRaisedError("an argument of another type");
  });
  return name as PathFunctionName;
}
