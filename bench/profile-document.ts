/**
 * Environment documents of a given size for the benchmarks, with a mix of all operators, and identities
 * that hit some of their segments. The same profile gives the same text each time; nothing here is random.
 */

/** How large a document is. */
export interface Profile {
  readonly features: number;
  readonly segments: number;
  /**
   * How many of the segments override a feature: segments belong to a project, overrides to an environment.
   */
  readonly overridingSegments: number;
  readonly conditionsPerSegment: number;
  readonly identityOverrides: number;
  /** How many features each identity override sets; one where it is not given. */
  readonly featuresPerOverride?: number;
  /** Further segments, after the others, that override nothing. */
  readonly idleSegments?: number;
  /** Of each multivariate feature; three where it is not given. */
  readonly variants?: number;
}

/** What issue 2 sets the engine's target at. */
export const engineProfile: Profile = {
  features: 50,
  segments: 100,
  overridingSegments: 50,
  conditionsPerSegment: 3,
  identityOverrides: 100,
};

/** The same, but for an override in each of its segments: the engine can leave none of them out. */
export const allSegmentsProfile: Profile = { ...engineProfile, overridingSegments: 100 };

/** What most environments look like; the HTTP benchmark serves it. */
export const standardProfile: Profile = {
  features: 50,
  segments: 10,
  overridingSegments: 10,
  conditionsPerSegment: 3,
  identityOverrides: 100,
};

/** A large project, as peers publish figures for. */
export const heavyProfile: Profile = {
  features: 50,
  segments: 15,
  overridingSegments: 15,
  conditionsPerSegment: 15,
  identityOverrides: 750,
};

export const clientKey = "bench_client_key";
export const serverKey = "ser.bench_server_key";

/** @returns the keys of the environment with this number; the first has `clientKey` and `serverKey` */
export function environmentKeys(environment: number): { readonly client: string; readonly server: string } {
  const ending = environment === 0 ? "" : `_${environment}`;
  return { client: `${clientKey}${ending}`, server: `${serverKey}${ending}` };
}

/** Trait names to values: strings, numbers and booleans, as SDKs send them. */
export type Traits = Readonly<Record<string, string | number | boolean>>;

export interface SampleIdentity {
  readonly identifier: string;
  readonly traits: Traits;
}

/**
 * Property, operator, value: each operator, on traits that some of the identities meet. Values differ from
 * segment to segment as in real projects, so that no two conditions need be the same.
 */
const conditions: readonly ((number: number) => readonly [string | null, string, string])[] = [
  (number) => ["plan", "EQUAL", ["premium", "free", "enterprise"][number % 3] as string],
  (number) => ["age", "GREATER_THAN", String(20 + (number % 40))],
  (number) => ["email", "REGEX", `.*${number % 10}@example\\.(com|org)`],
  (number) => ["country", "IN", `CH,DE,FR,IT,AT,NL,BE,LU,ES,PT,X${number}`],
  (number) => [null, "PERCENTAGE_SPLIT", String(10 + (number % 60))],
  (number) => ["app_version", "GREATER_THAN_INCLUSIVE", `2.${number % 9}.0:semver`],
  (number) => ["is_beta", "EQUAL", String(number % 2 === 0)],
  (number) => ["email", "CONTAINS", `${number % 10}@example`],
  (number) => ["age", "LESS_THAN_INCLUSIVE", String(30 + (number % 40))],
  (number) => ["plan", "NOT_EQUAL", ["free", "premium", "enterprise"][number % 3] as string],
  (number) => ["account_number", "MODULO", `${3 + (number % 5)}|1`],
  (number) => ["country", "NOT_CONTAINS", String.fromCharCode(65 + (number % 26))],
  (number) => ["score", "LESS_THAN", ((number % 90) / 100 + 0.05).toFixed(2)],
  (number) => ["referrer", "IS_NOT_SET", String(number)],
  (number) => ["plan", "IS_SET", String(number)],
];

/**
 * @param environment its number; from one to the other, numbers and keys differ
 * @returns the document's JSON text; the same profile gives the same text
 */
export function profileDocument(profile: Profile, environment = 0): string {
  const { segments, idleSegments = 0 } = profile;
  const { client } = environmentKeys(environment);
  return JSON.stringify({
    id: environment + 1,
    api_key: client,
    name: "Benchmark",
    updated_at: "2024-04-18T08:16:20.678868Z",
    allow_client_traits: true,
    hide_sensitive_data: false,
    hide_disabled_flags: null,
    project: {
      id: 1,
      name: "Benchmark",
      hide_disabled_flags: false,
      enable_realtime_updates: false,
      server_key_only_feature_ids: [],
      organisation: {
        id: 1,
        name: "Benchmark",
        feature_analytics: false,
        stop_serving_flags: false,
        persist_trait_data: true,
      },
      segments: Array.from({ length: segments + idleSegments }, (_, index) => profileSegment(index, profile)),
    },
    feature_states: featureStates(profile),
    identity_overrides: Array.from({ length: profile.identityOverrides }, (_, index) => ({
      identifier: identifierOf(index),
      identity_uuid: uuid(index, 4),
      created_date: "2024-01-01T00:00:00.000000Z",
      environment_api_key: client,
      identity_traits: [],
      identity_features: overriddenFeatures(index, profile),
      django_id: null,
    })),
  });
}

/**
 * @param overrideStride the identities that have an override are this far apart among the overrides
 * @returns identities with traits; every tenth has an override where the document has as many
 */
export function sampleIdentities(count: number, overrideStride = 1): SampleIdentity[] {
  // The others are numbered beyond the last override.
  return Array.from({ length: count }, (_, index) => {
    const number = index % 10 === 0 ? (index / 10) * overrideStride : 1_000_000 + index;
    return { identifier: identifierOf(number), traits: sampleTraits(index) };
  });
}

function identifierOf(number: number): string {
  return `user-${String(number).padStart(8, "0")}`;
}

function sampleTraits(index: number): Traits {
  return {
    plan: ["free", "premium", "enterprise"][index % 3] as string,
    age: 18 + (index % 60),
    email: `user-${index}@${index % 4 === 0 ? "mail.test" : "example.com"}`,
    country: ["CH", "US", "DE", "JP", "FR"][index % 5] as string,
    app_version: `2.${index % 9}.1`,
    is_beta: index % 7 === 0,
    account_number: 1000 + index,
    score: ((index % 97) * 10 + 5) / 1000,
  };
}

/**
 * In the form that Flagsmith's own pages write: all of several rules, each any (or none) of its conditions.
 */
function profileSegment(index: number, profile: Profile) {
  const { features, segments, conditionsPerSegment, overridingSegments, variants } = profile;
  const rules = Array.from({ length: conditionsPerSegment }, (_, place) => {
    const [property, operator, value] =
      conditions[(index * 7 + place * 4) % conditions.length]?.(index) ?? [];
    const type = (index + place) % 10 === 9 ? "NONE" : "ANY";
    return { type, conditions: [{ property_: property, operator, value }], rules: [] };
  });
  const overrides = Math.floor(((index + 1) * overridingSegments) / segments);
  const isOverriding = index < segments && overrides > Math.floor((index * overridingSegments) / segments);
  const override = {
    ...featureState(overrides % features, 10_000 + index, variants),
    feature_segment: { priority: (index * 31) % 97 },
  };
  return {
    id: index + 1,
    name: `segment ${index + 1}`,
    rules: [{ type: "ALL", conditions: [], rules }],
    feature_states: isOverriding ? [override] : [],
  };
}

function featureStates({ features, variants }: Profile) {
  return Array.from({ length: features }, (_, index) => featureState(index, index, variants));
}

function overriddenFeatures(index: number, { features, featuresPerOverride = 1, variants }: Profile) {
  return Array.from({ length: featuresPerOverride }, (_, place) =>
    featureState((index + place * 7) % features, 20_000 + index + place * 1_000_000, variants),
  );
}

/** Each fifth feature is multivariate; its variants share 60 %. Values are texts, numbers and booleans. */
function featureState(feature: number, id: number, variants = 3) {
  const isMultivariate = feature % 5 === 4;
  const shares = variants === 3 ? [10, 20, 30] : Array.from({ length: variants }, () => 60 / variants);
  return {
    feature: {
      id: feature + 1,
      name: `feature_number_${feature + 1}`,
      type: isMultivariate ? "MULTIVARIATE" : "STANDARD",
    },
    enabled: id % 3 !== 0,
    feature_state_value: [`value ${id}`, id, null, id % 2 === 0][id % 4],
    django_id: id + 1,
    featurestate_uuid: uuid(id, 5),
    feature_segment: null,
    multivariate_feature_state_values: (isMultivariate ? shares : []).map((share, place) => ({
      id: id * variants + place + 1,
      mv_fs_value_uuid: uuid(id * variants + place, 6),
      percentage_allocation: share,
      multivariate_feature_option: { id: id * variants + place + 1, value: `variant ${place} of ${id}` },
    })),
  };
}

function uuid(number: number, group: number): string {
  return `00000000-0000-4000-8${group}00-${String(number).padStart(12, "0")}`;
}
