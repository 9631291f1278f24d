/**
 * The environment snapshot: all that can be known of one document version before a request comes. Built once,
 * published whole, never changed (architecture, invariants 2 and 3). It does no I/O.
 */
import { type CompiledEnvironment, compileInSteps } from "../engine/compile-environment.ts";
import type { Outcome } from "../engine/compile-outcomes.ts";
import type { RefusedPattern } from "../engine/segments.ts";
import type { EnvironmentDocument } from "../models/environment-document.ts";
import { scalarText } from "../models/json.ts";
import type { PackedDocument } from "../models/packed-document.ts";
import type { IdentityCacheSettings } from "../models/settings.ts";
import { documentTime, epochSecondsOf, epochSecondsText } from "./document-time.ts";
import { environmentFlagText, identityFlagFragment } from "./flag-texts.ts";
import { IdentityResponseCache } from "./identity-response-cache.ts";
import { overrideFinder } from "./override-index.ts";
import { PreparedFlags } from "./prepared-flags.ts";
import {
  bodyOf,
  encodeContent,
  type HeaderRecord,
  type HeaderSetFactory,
  type PreparedResponse,
  prepareResponse,
} from "./prepared-response.ts";
import { listText, ShownFlags, shownOf } from "./shown-flags.ts";
import { unpackInSteps } from "./unpack-document.ts";
import { type ViewRules, ViewSnapshot } from "./view-snapshot.ts";

/** Which of an environment's two kinds of key asked. */
export type View = "client" | "server";

/** One document version, ready to be served. */
export interface EnvironmentSnapshot {
  /** Names the document's content: the same text has the same version on every instance. */
  readonly version: string;
  /** What every ETag of this snapshot begins with. */
  readonly etagBase: string;
  readonly environmentId: number | null;
  readonly environmentName: string | null;
  readonly clientKey: string;
  /** The document's own `updated_at`; null where it has none that can be read. */
  readonly updatedAt: Date | null;
  /** What answers say in `X-Flagsmith-Document-Updated-At`, with a fraction. */
  readonly updatedAtSeconds: string;
  /** False where the organisation may not be served (contract A2). */
  readonly servesFlags: boolean;
  readonly document: PreparedResponse;
  readonly views: Readonly<Record<View, ViewSnapshot>>;
  readonly counts: { readonly features: number; readonly segments: number; readonly bytes: number };
  /** Conditions that never match because their pattern may not run; for one log line. */
  readonly refusedPatterns: readonly RefusedPattern[];
}

/** What a snapshot is built by, beside its document: the share of one environment. */
export interface SnapshotSettings {
  readonly headerSet: HeaderSetFactory;
  readonly identityCache: IdentityCacheSettings;
  /** How many answers to conditions a snapshot may remember. */
  readonly answerPlaces: number;
}

/** What a snapshot is built of. */
export interface SnapshotInput {
  readonly packed: PackedDocument;
  /** The upstream's `Last-Modified`, where it sent one. */
  readonly lastModified: string | null;
  /** When the document was received; stands in where it tells no time of its own. */
  readonly receivedAt: Date;
}

/** Runs steps to their end, with whatever is to happen between them. */
export type StepRunner = <Result>(steps: Generator<undefined, Result>) => Promise<Result>;

/** The answers' form. It is part of every ETag, so that a release that changes the form changes them too. */
const representationVersion = "1";
/** Browsers and caches may keep an answer, and ask each time whether it is current. */
const commonHeaders: HeaderRecord = { "content-type": "application/json", "cache-control": "no-cache" };

/**
 * Compiles and prepares everything. Costs much, once: in steps, so that requests are answered between them;
 * compression runs on the thread pool.
 * @throws RangeError and the like where a document is beyond what the engine can compile
 */
export async function buildEnvironmentSnapshot(
  input: SnapshotInput,
  settings: SnapshotSettings,
  runSteps: StepRunner,
): Promise<EnvironmentSnapshot> {
  const { packed } = input;
  const document = await runSteps(unpackInSteps(packed));
  const compiling = {
    findOverrides: overrideFinder(packed),
    fragmentOf: identityFlagFragment,
    compilesIdleSegments: false,
    answerPlaces: settings.answerPlaces,
  };
  const compiled = await runSteps(compileInSteps(document, compiling));
  const version = packed.digest.slice(0, 16);
  const updatedAtSeconds = updatedAtText(input, document);
  const updatedAtHeader = { "x-flagsmith-document-updated-at": updatedAtSeconds };
  const etagBase = `${representationVersion}-${version}`;
  const context = { compiled, document, etagBase, settings, runSteps, updatedAtHeader };
  // One after the other: both at once would take two slices of the same turn.
  const server = await buildView("server", context, null);
  const client = await buildView("client", context, server.flags.shown);
  return {
    version,
    etagBase,
    environmentId: document.id == null ? null : Number(scalarText(document.id)),
    environmentName: document.name ?? null,
    clientKey: document.api_key,
    updatedAt: documentTime(document.updated_at ?? ""),
    updatedAtSeconds,
    servesFlags: document.project.organisation?.stop_serving_flags !== true,
    document: prepareDocument(input, context),
    views: { client, server },
    counts: {
      features: compiled.features.length,
      segments: compiled.segmentCount,
      bytes: packed.body.byteLength,
    },
    refusedPatterns: compiled.refusedPatterns,
  };
}

interface BuildContext {
  readonly compiled: CompiledEnvironment;
  readonly document: EnvironmentDocument;
  readonly etagBase: string;
  readonly settings: SnapshotSettings;
  readonly runSteps: StepRunner;
  readonly updatedAtHeader: HeaderRecord;
}

function updatedAtText({ lastModified, receivedAt }: SnapshotInput, document: EnvironmentDocument): string {
  const modified = new Date(lastModified ?? Number.NaN);
  const fallback = epochSecondsOf(Number.isNaN(modified.getTime()) ? receivedAt : modified);
  return epochSecondsText(document.updated_at ?? "") ?? fallback;
}

function prepareDocument(
  { packed, lastModified }: SnapshotInput,
  { document, settings, updatedAtHeader, etagBase }: BuildContext,
): PreparedResponse {
  const updatedAtMs = Math.floor(Number(updatedAtHeader["x-flagsmith-document-updated-at"])) * 1000;
  const modifiedMs = lastModified === null ? updatedAtMs : Date.parse(lastModified);
  const lastModifiedMs = Number.isNaN(modifiedMs) ? updatedAtMs : modifiedMs;
  const knowsTime = lastModified !== null || (document.updated_at ?? null) !== null;
  return prepareResponse({
    content: { plain: packed.body, compressed: packed.compressed },
    headers: {
      ...commonHeaders,
      ...updatedAtHeader,
      ...(knowsTime ? { "last-modified": new Date(lastModifiedMs).toUTCString() } : {}),
    },
    etag: etagBase,
    lastModifiedMs: knowsTime ? lastModifiedMs : null,
    headerSet: settings.headerSet,
  });
}

/** @param others the flags that the other view shows, where it is made already */
async function buildView(
  view: View,
  context: BuildContext,
  others: ShownFlags | null,
): Promise<ViewSnapshot> {
  const { compiled, settings, updatedAtHeader, etagBase } = context;
  const rules = viewRules(view, context);
  const shown = await showFlags(rules, context, others);
  return new ViewSnapshot({
    compiled,
    rules,
    flags: prepareFlags(shown, `${etagBase}-${view}`, context),
    identityHeaders: settings.headerSet({ ...commonHeaders, ...updatedAtHeader }),
    identityResponses: new IdentityResponseCache(settings.identityCache),
  });
}

/** Contract A2: what the client view hides, and which settings of the environment count for it. */
function viewRules(view: View, { compiled, document }: BuildContext): ViewRules {
  const hidesTraits = document.hide_sensitive_data === true;
  if (view === "server") {
    return { hiddenFeatures: new Set(), hidesDisabledFlags: false, acceptsTraits: true, hidesTraits };
  }
  // Compared as text, in which ids of any length are exact.
  const serverOnly = new Set(document.project.server_key_only_feature_ids?.map(scalarText));
  const hidden = compiled.features
    .filter(({ id }) => serverOnly.has(scalarText(id)))
    .map(({ index }) => index);
  return {
    hiddenFeatures: new Set(hidden),
    hidesDisabledFlags: document.hide_disabled_flags ?? document.project.hide_disabled_flags ?? false,
    acceptsTraits: document.allow_client_traits !== false,
    hidesTraits,
  };
}

async function showFlags(
  rules: ViewRules,
  { compiled, runSteps }: BuildContext,
  others: ShownFlags | null,
): Promise<ShownFlags> {
  const { hidesDisabledFlags, hiddenFeatures } = rules;
  const outcomes = compiled.defaults
    .map(({ withoutIdentity }) => withoutIdentity)
    .filter(({ feature }) => !hiddenFeatures.has(feature.index));
  const shown = shownOf(outcomes, hidesDisabledFlags);
  // What the client view shows is a part of what the server view does: as many flags are the same flags.
  if (others?.count === shown.length) return others;
  const text = await runSteps(listText(shown));
  return new ShownFlags(outcomes, hidesDisabledFlags, await encodeContent(bodyOf(text)));
}

function prepareFlags(
  shown: ShownFlags,
  etag: string,
  { settings: { headerSet }, updatedAtHeader }: BuildContext,
): PreparedFlags {
  const headers = { ...commonHeaders, ...updatedAtHeader };
  const list = prepareResponse({ content: shown.list, headers, etag, headerSet });
  return new PreparedFlags({ shown, list, prepare: flagPreparer(etag, headerSet) });
}

/** NOTE: a function of its own, as the closure lives on and must not keep the document. */
function flagPreparer(etag: string, headerSet: HeaderSetFactory): (outcome: Outcome) => PreparedResponse {
  return (outcome) =>
    prepareResponse({
      content: { plain: bodyOf(environmentFlagText(outcome)), compressed: [] },
      headers: commonHeaders,
      etag: `${etag}-${outcome.feature.index}`,
      headerSet,
    });
}
