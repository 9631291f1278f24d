/** What is remembered of a property's values, and that it never changes an answer. */
import { expect, it } from "vitest";
import type { IdentityContext } from "../../src/engine/context-paths.ts";
import { toContextValue } from "../../src/engine/context-value.ts";
import { PathRaisedError } from "../../src/engine/json-path/path-errors.ts";
import { type AnswerBudget, Property, type PropertySource } from "../../src/engine/property.ts";
import { JsonNumber, type JsonScalar } from "../../src/models/json.ts";

function identityWith(value: JsonScalar | undefined): IdentityContext {
  return { identifier: "i", key: "k", traits: new Map(value === undefined ? [] : [["trait", value]]) };
}

const traitSource: PropertySource = {
  lookUp: (identity) => identity.traits.get("trait"),
  coerce: toContextValue,
};

/** A property with one condition, which holds for what is set and notes what it was asked about. */
function countedProperty(budget: AnswerBudget = { placesLeft: 1_000_000 }) {
  const asked: unknown[] = [];
  const property = new Property(traitSource, budget);
  property.add((value) => {
    asked.push(value?.value ?? null);
    return value !== null;
  });
  return {
    asked,
    answerTo: (value: JsonScalar | undefined) => property.answersFor(identityWith(value)).answer(0),
  };
}

it("a condition is asked once about a value that comes again", () => {
  const { asked, answerTo } = countedProperty();
  expect([answerTo("free"), answerTo("free"), answerTo("free")]).toEqual([true, true, true]);
  expect(asked).toEqual(["free"]);
});

it("values that only look alike are told apart", () => {
  const { asked, answerTo } = countedProperty();
  const values = [1, "1", true, "true", 0, false, "", undefined];
  for (const value of [...values, ...values]) expect(answerTo(value)).toBe(value !== undefined);
  expect(asked).toEqual([1, 1, true, "true", 0, false, "", null]);
});

it("numbers with a text of their own are asked about each time", () => {
  const { asked, answerTo } = countedProperty();
  for (const text of ["1.0", "1.0", "1e3"]) answerTo(new JsonNumber(text));
  expect(asked).toEqual([1, 1, 1000]);
});

it("a long value is asked about each time", () => {
  const { asked, answerTo } = countedProperty();
  const long = "x".repeat(65);
  for (const value of [long, long, long.slice(1), long.slice(1)]) answerTo(value);
  expect(asked).toHaveLength(3);
});

it("nothing is remembered any more once values turn out not to come again", () => {
  const { asked, answerTo } = countedProperty();
  for (let number = 0; number < 200; number += 1) expect(answerTo(`value ${number}`)).toBe(true);
  asked.length = 0;
  expect([answerTo("value 0"), answerTo("value 0")]).toEqual([true, true]);
  expect(asked).toHaveLength(2);
});

it("the first values stay remembered where they come again, however many others come", () => {
  const { asked, answerTo } = countedProperty();
  for (let round = 0; round < 5; round += 1) {
    for (let number = 0; number < 100; number += 1) answerTo(`value ${number}`);
  }
  for (let number = 100; number < 1000; number += 1) answerTo(`value ${number}`);
  asked.length = 0;
  for (let number = 0; number < 100; number += 1) expect(answerTo(`value ${number}`)).toBe(true);
  expect(asked).toEqual([]);
});

it("each condition has an answer of its own", () => {
  const property = new Property(traitSource, { placesLeft: 1_000_000 });
  property.add(() => true);
  const second = property.add((value) => value?.value === "a");
  const answers = ["a", "b", "a", "b"].map((value) =>
    property.answersFor(identityWith(value)).answer(second),
  );
  expect(answers).toEqual([true, false, true, false]);
});

it("no condition holds where looking raises", () => {
  const property = new Property(
    {
      lookUp: () => {
        throw new PathRaisedError("raised");
      },
      coerce: toContextValue,
    },
    { placesLeft: 1_000_000 },
  );
  property.add(() => true);
  expect(property.answersFor(identityWith("a")).answer(0)).toBe(false);
});

it("all properties of an environment remember no more than their budget", () => {
  const budget = { placesLeft: 10 * 33 };
  const [one, other] = [countedProperty(budget), countedProperty(budget)];
  const ask = (property: typeof one, values: number) => {
    for (let number = 0; number < values; number += 1) expect(property.answerTo(number)).toBe(true);
  };
  for (let round = 0; round < 5; round += 1) ask(one, 8);
  expect(one.asked).toHaveLength(8);
  for (let round = 0; round < 5; round += 1) ask(other, 2);
  expect([other.asked.length, budget.placesLeft]).toEqual([2, 0]);
  ask(other, 4);
  ask(other, 4);
  expect(other.asked).toEqual([0, 1, 2, 3, 2, 3]);
});
