/**
 * The ways to evaluate an identity that the engine benchmark compares, prepared on one document:
 * flagsmith-nodejs as its users call it, our engine alone, and our engine with the text of its answer. It
 * measures nothing.
 */
import { Flagsmith } from "flagsmith-nodejs";
import { buildEnvironmentSnapshot } from "../src/cache/environment-snapshot.ts";
import type { IdentitySubject, ViewSnapshot } from "../src/cache/view-snapshot.ts";
import { type CompiledEnvironment, compileEnvironment } from "../src/engine/compile-environment.ts";
import { Evaluation, identityContext } from "../src/engine/evaluate.ts";
import { answerPlacesMax } from "../src/engine/property.ts";
import { type EnvironmentDocument, environmentDocument } from "../src/models/environment-document.ts";
import { parseJson } from "../src/models/json.ts";
import type { IdentityCacheSettings } from "../src/models/settings.ts";
import { systemClock } from "../src/services/clock.ts";
import { readDocument } from "../src/services/documents/read-document.ts";
import { runInSlices } from "../src/services/environments/time-slices.ts";
import {
  type Profile,
  profileDocument,
  type SampleIdentity,
  sampleIdentities,
  serverKey,
} from "./profile-document.ts";

/** One way to evaluate an identity. */
export interface Contestant {
  readonly name: string;
  /** How often each identity is evaluated in a round, so that each round takes about as long. */
  readonly runs: number;
  evaluate(identityIndex: number): unknown;
}

export interface Contestants extends AsyncDisposable {
  /** The SDK first, then the one with the target. */
  readonly all: readonly Contestant[];
  readonly identities: readonly SampleIdentity[];
  readonly document: EnvironmentDocument;
  readonly sdk: Flagsmith;
  /** Our response's text for the identity at this index. */
  ourText(identityIndex: number): string;
}

/** @param identitiesCount how many identities take turns */
export async function prepareContestants(profile: Profile, identitiesCount: number): Promise<Contestants> {
  const text = profileDocument(profile);
  const identities = sampleIdentities(identitiesCount);
  const document = environmentDocument.parse(parseJson(text));
  const view = await prepareView(text);
  const sdk = prepareSdk(text);
  const subjects = identities.map(subjectOf);
  const ourText = (index: number) => view.identityText(subjects[index] as IdentitySubject).text;
  return {
    all: [
      sdkContestant(sdk, identities),
      evaluationContestant(compileEnvironment(document, false), identities),
      {
        name: "ours: evaluation and the text of the answer",
        runs: 100,
        // Its length is needed for a header, and makes V8 put the parts of the text together.
        evaluate: (index) => Buffer.byteLength(ourText(index)),
      },
    ],
    identities,
    document,
    sdk,
    ourText,
    [Symbol.asyncDispose]: () => sdk.close(),
  };
}

/** @returns the server view of a snapshot, as it would be served */
export async function prepareView(
  text: string,
  identityCache: IdentityCacheSettings = { enabled: false, entriesMax: 1, bytesMax: 1024 },
): Promise<ViewSnapshot> {
  const packed = await readDocument([new TextEncoder().encode(text)]);
  const snapshot = await buildEnvironmentSnapshot(
    { packed, lastModified: null, receivedAt: new Date(0) },
    {
      headerSet: (plain) => ({ plain, anyOrigin: true }),
      identityCache,
      answerPlaces: answerPlacesMax,
    },
    (steps) => runInSlices(steps, systemClock),
  );
  return snapshot.views.server;
}

/** The SDK as its users have it: local evaluation, its own client, the document fetched and parsed once. */
export function prepareSdk(documentText: string): Flagsmith {
  return new Flagsmith({
    environmentKey: serverKey,
    enableLocalEvaluation: true,
    environmentRefreshIntervalSeconds: 3600,
    fetch: async () => new Response(documentText, { headers: { "content-type": "application/json" } }),
  });
}

/** @returns the identity as our engine takes it */
export function subjectOf({ identifier, traits }: SampleIdentity): IdentitySubject {
  return { identifier, traits: { values: new Map(Object.entries(traits)), transientKeys: new Set() } };
}

function sdkContestant(sdk: Flagsmith, identities: readonly SampleIdentity[]): Contestant {
  return {
    name: "flagsmith-nodejs: getIdentityFlags",
    runs: 1,
    evaluate(index) {
      const { identifier, traits } = identities[index] as SampleIdentity;
      return sdk.getIdentityFlags(identifier, traits);
    },
  };
}

function evaluationContestant(
  compiled: CompiledEnvironment,
  identities: readonly SampleIdentity[],
): Contestant {
  const traitMaps = identities.map(({ traits }) => new Map(Object.entries(traits)));
  return {
    name: "ours: evaluation of all features",
    runs: 100,
    evaluate(index) {
      const { identifier } = identities[index] as SampleIdentity;
      const context = identityContext(compiled.key, identifier, traitMaps[index] ?? new Map());
      const evaluation = new Evaluation(compiled, context);
      let enabled = 0;
      // The sum keeps the optimizer from leaving the work out.
      for (const feature of compiled.features) enabled += evaluation.outcomeOf(feature.index).enabled ? 1 : 0;
      return enabled;
    },
  };
}

interface AnsweredFlag {
  readonly feature: { readonly name: string };
  readonly enabled: boolean;
  readonly feature_state_value: unknown;
}

/**
 * Both must give each identity the same flags, or a comparison means nothing.
 * @returns the share of the flags that an override or a variant decided
 * @throws Error where the two engines differ
 */
export async function checkAgreement(contestants: Contestants): Promise<number> {
  const { document, identities, sdk, ourText } = contestants;
  const defaults = new Map(
    document.feature_states.map((state) => [
      state.feature.name,
      stateText(state.enabled, state.feature_state_value),
    ]),
  );
  let decided = 0;
  for (const [index, { identifier, traits }] of identities.entries()) {
    const theirs = await sdk.getIdentityFlags(identifier, traits);
    const { flags } = JSON.parse(ourText(index)) as { flags: AnsweredFlag[] };
    for (const { feature, enabled, feature_state_value: value } of flags) {
      const flag = theirs.getFlag(feature.name);
      const [own, other] = [stateText(enabled, value), stateText(flag.enabled, flag.value ?? null)];
      if (own !== other) throw new Error(`${identifier}, ${feature.name}: ours ${own}, theirs ${other}`);
      if (own !== defaults.get(feature.name)) decided += 1;
    }
  }
  return decided / (identities.length * document.feature_states.length);
}

function stateText(enabled: boolean, value: unknown): string {
  return JSON.stringify([enabled, value]);
}
