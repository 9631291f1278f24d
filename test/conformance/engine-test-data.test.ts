/**
 * The public conformance cases of the Flagsmith engines (Flagsmith/engine-test-data), where their folder
 * is: the variable `ENGINE_TEST_DATA`, else `../shared/engine-test-data` beside the repository.
 */
import { existsSync, readdirSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { compileEnvironment } from "../../src/engine/compile-environment.ts";
import type { Outcome } from "../../src/engine/compile-outcomes.ts";
import { Evaluation } from "../../src/engine/evaluate.ts";
import { environmentDocument } from "../../src/models/environment-document.ts";
import type { JsonScalar } from "../../src/models/json.ts";
import { exactText, readJsonFile } from "../support/reference-text.ts";

type Named = Readonly<Record<string, unknown>> & { readonly name: string; readonly metadata?: unknown };

interface FeatureContext extends Named {
  readonly key: string;
  readonly enabled: boolean;
  readonly value: JsonScalar;
  readonly priority?: number;
  readonly variants?: readonly {
    readonly value: JsonScalar;
    readonly weight: unknown;
    readonly priority: number;
    readonly key?: string;
  }[];
}

interface RuleContext {
  readonly type: string;
  readonly conditions?: readonly {
    readonly property?: string;
    readonly operator: string;
    readonly value: unknown;
  }[];
  readonly rules?: readonly RuleContext[];
}

interface SegmentContext extends Named {
  readonly key: string;
  readonly rules: readonly RuleContext[];
  readonly overrides?: readonly FeatureContext[];
}

interface TestCase {
  readonly context: {
    readonly environment: { readonly key: string; readonly name: string };
    readonly identity?: {
      readonly identifier: string;
      readonly key?: string;
      readonly traits?: Readonly<Record<string, JsonScalar>>;
    } | null;
    readonly segments?: Readonly<Record<string, SegmentContext>>;
    readonly features?: Readonly<Record<string, FeatureContext>>;
  };
  readonly result: { readonly flags: Readonly<Record<string, unknown>>; readonly segments: readonly Named[] };
}

const folder =
  process.env["ENGINE_TEST_DATA"] ?? new URL("../../../shared/engine-test-data", import.meta.url).pathname;
const files = existsSync(folder) ? readdirSync(folder).filter((name) => /\.jsonc?$/.test(name)) : [];

describe("engine-test-data", () => {
  if (files.length === 0) {
    it.skip(`skipped: no cases in ${folder}; set ENGINE_TEST_DATA to the folder that holds them`, () => {});
    return;
  }
  it.each(files)("%s", (file) => {
    const { context, result } = readJsonFile(pathToFileURL(`${folder}/${file}`)) as TestCase;
    const evaluated = evaluate(context);
    expect(sorted(evaluated.segments)).toEqual(sorted(result.segments));
    expect(JSON.parse(exactText(evaluated.flags))).toEqual(JSON.parse(exactText(result.flags)));
  });
});

/** Integer-like ids come out of `JSON.parse` in another order than they stand in the file. */
function sorted(segments: readonly unknown[]): string[] {
  return segments.map(exactText).sort();
}

function evaluate({ environment, identity, features = {}, segments = {} }: TestCase["context"]) {
  const segmentList = Object.values(segments);
  const compiled = compileEnvironment(
    environmentDocument.parse({
      api_key: environment.key,
      name: environment.name,
      feature_states: Object.values(features).map(toFeatureState),
      project: { segments: segmentList.map(toSegment) },
    }),
  );
  const evaluation = new Evaluation(compiled, {
    identifier: identity?.identifier ?? null,
    // An absent or empty key is made of the environment's key and the identifier.
    key: identity ? identity.key || `${environment.key}_${identity.identifier}` : null,
    traits: new Map(Object.entries(identity?.traits ?? {})),
  });
  const flags = compiled.features.map(
    ({ index, name }) => [name, toFlag(evaluation.outcomeOf(index))] as const,
  );
  return {
    flags: Object.fromEntries(flags),
    segments: segmentList
      .filter((_, index) => evaluation.isInSegment(index))
      .map(({ name, metadata }) => (metadata ? { name, metadata } : { name })),
  };
}

/** The result's metadata are those of the chosen state, so they travel inside its values. */
function withMetadata(value: JsonScalar, metadata: unknown): string {
  return exactText({ value, metadata: metadata ?? null });
}

function toFlag({ feature, enabled, value, reason, variant }: Outcome) {
  const chosen = JSON.parse(String(value)) as { value: JsonScalar; metadata: unknown };
  const flag = { name: feature.name, enabled, value: chosen.value, reason, variant };
  return chosen.metadata ? { ...flag, metadata: chosen.metadata } : flag;
}

function toFeatureState({ key, name, enabled, value, priority, metadata, variants = [] }: FeatureContext) {
  return {
    feature: { id: 1, name, type: variants.length > 0 ? "MULTIVARIATE" : "STANDARD" },
    enabled,
    feature_state_value: withMetadata(value, metadata),
    django_id: null,
    featurestate_uuid: key,
    feature_segment: priority === undefined ? null : { priority },
    multivariate_feature_state_values: variants.map((variant) => ({
      // Zero would count as absent.
      id: variant.priority + 1,
      percentage_allocation: variant.weight,
      multivariate_feature_option: {
        value: withMetadata(variant.value, metadata),
        key: variant.key ?? null,
      },
    })),
  };
}

function toSegment({ key, name, rules, overrides = [] }: SegmentContext) {
  return { id: key, name, rules: rules.map(toRule), feature_states: overrides.map(toFeatureState) };
}

function toRule({ type, conditions = [], rules = [] }: RuleContext): object {
  return {
    type,
    conditions: conditions.map(({ property, operator, value }) => ({ property_: property, operator, value })),
    rules: rules.map(toRule),
  };
}
