/**
 * Semantic Versioning 2.0.0, strict, as the reference engine's library reads it: three parts, no `v`, no
 * leading zeros, numbers of any size. Ranges and loose forms have no place here.
 */
import { compareCodePoints } from "./context-value.ts";
import { type Integer, integerDigitsMax, integerOf } from "./python-numbers.ts";

export interface SemanticVersion {
  readonly numbers: readonly [Integer, Integer, Integer];
  readonly prerelease: string | null;
  readonly build: string | null;
}

const number = "(0|[1-9][0-9]*)";
const prereleasePart = "(?:0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)";
const pattern = new RegExp(
  `^${number}\\.${number}\\.${number}` +
    `(?:-(${prereleasePart}(?:\\.${prereleasePart})*))?` +
    "(?:\\+([0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*))?$",
);

/** @returns the version, or null where the text is not one */
export function parseSemanticVersion(text: string): SemanticVersion | null {
  const match = pattern.exec(text);
  if (match === null) return null;
  const [, major = "", minor = "", patch = "", prerelease, build] = match;
  if (Math.max(major.length, minor.length, patch.length) > integerDigitsMax) return null;
  return {
    numbers: [integerOf(major), integerOf(minor), integerOf(patch)],
    prerelease: prerelease ?? null,
    build: build ?? null,
  };
}

/** Precedence by section 11 of the specification; build metadata does not count. */
export function compareSemanticVersions(left: SemanticVersion, right: SemanticVersion): number {
  for (const index of [0, 1, 2] as const) {
    const order = compareIntegers(left.numbers[index], right.numbers[index]);
    if (order !== 0) return order;
  }
  return comparePrereleases(left.prerelease, right.prerelease);
}

function comparePrereleases(left: string | null, right: string | null): number {
  if (left === right) return 0;
  if (left === null) return 1;
  if (right === null) return -1;
  const leftParts = left.split(".");
  const rightParts = right.split(".");
  for (let index = 0; index < Math.min(leftParts.length, rightParts.length); index += 1) {
    const order = comparePrereleaseParts(leftParts[index] ?? "", rightParts[index] ?? "");
    if (order !== 0) return order;
  }
  return leftParts.length - rightParts.length;
}

function comparePrereleaseParts(left: string, right: string): number {
  const leftIsNumber = /^[0-9]+$/.test(left);
  const rightIsNumber = /^[0-9]+$/.test(right);
  if (leftIsNumber && rightIsNumber) return compareIntegers(integerOf(left), integerOf(right));
  if (leftIsNumber !== rightIsNumber) return leftIsNumber ? -1 : 1;
  return compareCodePoints(left, right);
}

function compareIntegers(left: Integer, right: Integer): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
