/**
 * The golden vectors of the reference engine (`test/vectors/README.md`): every one must be met, by type and
 * by number text.
 */
import { describe, expect, it } from "vitest";
import { prepareCors } from "../../src/cache/cors-headers.ts";
import { buildEnvironmentSnapshot } from "../../src/cache/environment-snapshot.ts";
import { compileEnvironment } from "../../src/engine/compile-environment.ts";
import { Evaluation, identityContext } from "../../src/engine/evaluate.ts";
import { hashedPercentage } from "../../src/engine/hashing.ts";
import { environmentDocument } from "../../src/models/environment-document.ts";
import type { RequestTrait } from "../../src/models/identity-request.ts";
import { type JsonScalar, parseJson } from "../../src/models/json.ts";
import { systemClock } from "../../src/services/clock.ts";
import { runInSlices } from "../../src/services/environments/time-slices.ts";
import { packText } from "../support/packed-text.ts";
import { exactText, readJsonFile } from "../support/reference-text.ts";

interface OperatorCase {
  readonly name: string;
  readonly property: string | null;
  readonly operator: string;
  readonly value: unknown;
  readonly trait?: JsonScalar;
  readonly traitText?: string;
  readonly traitKey?: string;
  readonly identifier?: string;
  readonly environment?: { readonly key: string; readonly name: string };
  readonly segmentKey?: string;
  readonly expect: boolean;
}

interface EvaluationCase {
  readonly name: string;
  readonly documentRef: number;
  readonly identity: {
    readonly identifier: string;
    readonly traits: readonly { readonly trait_key: string; readonly trait_value: JsonScalar }[];
  } | null;
  readonly view: "client" | "server";
  readonly expect: { readonly flags: readonly { readonly feature: { readonly name: string } }[] };
  readonly expectSegments?: readonly string[];
  readonly reasons?: Readonly<Record<string, string>>;
}

const vectors = new URL("../vectors/", import.meta.url);
const hashes = readJsonFile(new URL("hashing.json", vectors)) as { ids: string[]; expect: unknown }[];
const operators = readJsonFile(new URL("operators.json", vectors)) as OperatorCase[];
const evaluations = readJsonFile(new URL("evaluations.json", vectors)) as {
  documents: unknown[];
  cases: EvaluationCase[];
};

describe("hashing.json", () => {
  it.each(hashes)("hashes $ids", ({ ids, expect: percentage }) => {
    const head = ids.slice(0, -1).map((id) => `${id},`);
    expect(hashedPercentage(head.join(""), ids.at(-1) ?? "")).toBe(Number(exactText(percentage)));
  });
});

describe("operators.json", () => {
  it.each(operators)("$name", (vector) => {
    expect(matchesSegment(vector)).toBe(vector.expect);
  });
});

function matchesSegment(vector: OperatorCase): boolean {
  const environment = vector.environment ?? { key: "env", name: "Env" };
  const condition = { property_: vector.property, operator: vector.operator, value: vector.value };
  const compiled = compileEnvironment(
    environmentDocument.parse({
      api_key: environment.key,
      name: environment.name,
      feature_states: [],
      project: {
        segments: [
          { id: vector.segmentKey ?? "1", name: "s", rules: [{ type: "ALL", conditions: [condition] }] },
        ],
      },
    }),
  );
  const traits = new Map<string, JsonScalar>();
  const trait = vector.traitText === undefined ? vector.trait : (parseJson(vector.traitText) as JsonScalar);
  if (trait !== undefined && trait !== null) traits.set(vector.traitKey ?? vector.property ?? "", trait);
  const identity = identityContext(environment.key, vector.identifier ?? "user", traits);
  return new Evaluation(compiled, identity).isInSegment(0);
}

describe("evaluations.json", async () => {
  const settings = {
    headerSet: prepareCors(["*"]).headerSet,
    identityCache: { enabled: false, entriesMax: 1, bytesMax: 1 },
    answerPlaces: 10_000,
  };
  const environments = await Promise.all(
    evaluations.documents.map(async (each) => {
      const text = exactText(each);
      const document = environmentDocument.parse(parseJson(text));
      const input = { packed: packText(text), lastModified: null, receivedAt: new Date(0) };
      return {
        compiled: compileEnvironment(document),
        snapshot: await buildEnvironmentSnapshot(input, settings, (steps) => runInSlices(steps, systemClock)),
      };
    }),
  );

  it.each(evaluations.cases)("$name", (vector) => {
    const { compiled, snapshot } = environments[vector.documentRef]!;
    const view = snapshot.views[vector.view];
    if (vector.identity === null) {
      const flags = Buffer.from(view.flags.list.plain.body as string).toString();
      expect(flags).toBe(exactText(vector.expect.flags));
      return;
    }
    const { identifier, traits: sent } = vector.identity;
    const traits = view.acceptTraits(
      sent.map(({ trait_key: key, trait_value: value }): RequestTrait => ({ key, value, transient: false })),
    );
    const { text, bytes } = view.identityText({ identifier, traits });
    expect(bytes).toBe(Buffer.byteLength(text));
    expect(exactText((parseJson(text) as { flags: unknown }).flags)).toBe(exactText(vector.expect.flags));
    const evaluation = new Evaluation(compiled, identityContext(compiled.key, identifier, traits.values));
    const matched = compiled.segments.filter((_, index) => evaluation.isInSegment(index));
    expect(matched.map(({ name }) => name)).toEqual(vector.expectSegments);
    for (const { feature } of vector.expect.flags) {
      const index = compiled.features.findIndex(({ name }) => name === feature.name);
      expect(evaluation.outcomeOf(index).reason).toBe(vector.reasons?.[feature.name]);
    }
  });
});
