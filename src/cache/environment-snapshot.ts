/**
 * The environment snapshot: all that can be known of one document version before a request comes. Built once,
 * published whole, never changed (architecture, invariants 2 and 3). It does no I/O.
 */
import { type CompiledEnvironment, compileInSteps } from "../engine/compile-environment.ts";
import type { Fragment, Outcome } from "../engine/compile-outcomes.ts";
import type { RefusedPattern } from "../engine/segments.ts";
import type { EnvironmentDocument } from "../models/environment-document.ts";
import { scalarText } from "../models/json.ts";
import type { PackedDocument } from "../models/packed-document.ts";
import type { IdentityCacheSettings } from "../models/settings.ts";
import { documentTime, epochSecondsOf, epochSecondsText } from "./document-time.ts";
import { IdentityResponseCache } from "./identity-response-cache.ts";
import { overrideFinder } from "./override-index.ts";
import {
  type HeaderRecord,
  type HeaderSetFactory,
  type PreparedResponse,
  prepareCompressedResponse,
  prepareResponse,
} from "./prepared-response.ts";
import { unpackInSteps } from "./unpack-document.ts";
import { type PreparedFlags, type ViewRules, ViewSnapshot } from "./view-snapshot.ts";

/** Which of an environment's two kinds of key asked. */
export type View = "client" | "server";

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
  /** False where the organisation may not be served (contract A2). */
  readonly servesFlags: boolean;
  readonly document: PreparedResponse;
  readonly views: Readonly<Record<View, ViewSnapshot>>;
  readonly counts: { readonly features: number; readonly segments: number; readonly bytes: number };
  /** Conditions that never match because their pattern may not run; for one log line. */
  readonly refusedPatterns: readonly RefusedPattern[];
}

export interface SnapshotSettings {
  readonly headerSet: HeaderSetFactory;
  readonly identityCache: IdentityCacheSettings;
}

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
  const compiling = { findOverrides: overrideFinder(packed), fragmentOf: identityFlagFragment };
  const compiled = await runSteps(compileInSteps(document, compiling));
  const version = packed.digest.slice(0, 16);
  const updatedAt = updatedAtHeader(input, document);
  const etagBase = `${representationVersion}-${version}`;
  const context = { compiled, document, etagBase, settings, runSteps, updatedAtHeader: updatedAt };
  const prepared = prepareDocument(input, context);
  // One after the other: both at once would take two slices of the same turn.
  const client = await buildView("client", context);
  const server = await buildView("server", context);
  return {
    version,
    etagBase: context.etagBase,
    environmentId: document.id == null ? null : Number(scalarText(document.id)),
    environmentName: document.name ?? null,
    clientKey: document.api_key,
    updatedAt: documentTime(document.updated_at ?? ""),
    servesFlags: document.project.organisation?.stop_serving_flags !== true,
    document: await prepared,
    views: { client, server },
    counts: {
      features: compiled.features.length,
      segments: compiled.segments.length,
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

function updatedAtHeader(
  { lastModified, receivedAt }: SnapshotInput,
  document: EnvironmentDocument,
): HeaderRecord {
  const modified = new Date(lastModified ?? Number.NaN);
  const fallback = epochSecondsOf(Number.isNaN(modified.getTime()) ? receivedAt : modified);
  const seconds = epochSecondsText(document.updated_at ?? "") ?? fallback;
  return { "x-flagsmith-document-updated-at": seconds };
}

function prepareDocument(
  { packed, lastModified }: SnapshotInput,
  { document, settings, updatedAtHeader: updatedAt, etagBase }: BuildContext,
): Promise<PreparedResponse> {
  const updatedAtMs = Math.floor(Number(updatedAt["x-flagsmith-document-updated-at"])) * 1000;
  const modifiedMs = lastModified === null ? updatedAtMs : Date.parse(lastModified);
  const lastModifiedMs = Number.isNaN(modifiedMs) ? updatedAtMs : modifiedMs;
  const knowsTime = lastModified !== null || (document.updated_at ?? null) !== null;
  return prepareCompressedResponse({
    body: packed.body,
    headers: {
      ...commonHeaders,
      ...updatedAt,
      ...(knowsTime ? { "last-modified": new Date(lastModifiedMs).toUTCString() } : {}),
    },
    etag: etagBase,
    lastModifiedMs: knowsTime ? lastModifiedMs : null,
    headerSet: settings.headerSet,
  });
}

async function buildView(view: View, context: BuildContext): Promise<ViewSnapshot> {
  const { compiled, settings, updatedAtHeader: updatedAt } = context;
  const rules = viewRules(view, context);
  return new ViewSnapshot({
    compiled,
    rules,
    flags: await prepareFlags(view, rules, context),
    identityHeaders: settings.headerSet({ ...commonHeaders, ...updatedAt }),
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

async function prepareFlags(view: View, rules: ViewRules, context: BuildContext): Promise<PreparedFlags> {
  const { settings, updatedAtHeader: updatedAt, etagBase, runSteps } = context;
  const etag = `${etagBase}-${view}`;
  const { listText, single } = await runSteps(prepareSingleFlags(etag, rules, context));
  const list = await prepareCompressedResponse({
    body: new TextEncoder().encode(listText),
    headers: { ...commonHeaders, ...updatedAt },
    etag,
    headerSet: settings.headerSet,
  });
  const firstOfCase = single.toReversed().map(([name, flag]) => [name.toLowerCase(), flag] as const);
  return { list, byName: new Map(single), byQuery: byQuery(single), byLowerCaseName: new Map(firstOfCase) };
}

function byQuery(single: SingleFlags["single"]): Map<string, PreparedResponse> {
  // NOTE: a name with half a surrogate pair cannot be percent-encoded.
  const encodable = single.filter(([name]) => name.isWellFormed());
  return new Map(encodable.map(([name, flag]) => [`feature=${encodeURIComponent(name)}`, flag]));
}

interface SingleFlags {
  readonly single: readonly (readonly [name: string, flag: PreparedResponse])[];
  /** All of them as a JSON list. */
  readonly listText: string;
}

function* prepareSingleFlags(
  etag: string,
  rules: ViewRules,
  { compiled, settings }: BuildContext,
): Generator<undefined, SingleFlags> {
  const encoder = new TextEncoder();
  const single: [string, PreparedResponse][] = [];
  const texts: string[] = [];
  for (const { withoutIdentity: outcome } of compiled.defaults) {
    if (!outcome.enabled && rules.hidesDisabledFlags) continue;
    const { index, name } = outcome.feature;
    if (rules.hiddenFeatures.has(index)) continue;
    const text = `${flagText(outcome)}}`;
    const body = encoder.encode(text);
    const flag = { body, headers: commonHeaders, etag: `${etag}-${index}`, headerSet: settings.headerSet };
    single.push([name, prepareResponse(flag)]);
    texts.push(text);
    yield;
  }
  return { single, listText: `[${texts.join(",")}]` };
}

/** A flag object (contract A4) without its closing brace. */
function flagText({ feature, enabled, value }: Omit<Outcome, "fragment">): string {
  const { id, name, type } = feature;
  const texts = [scalarText(id), JSON.stringify(name), JSON.stringify(type)];
  const featureText = `{"id":${texts[0]},"name":${texts[1]},"type":${texts[2]}}`;
  return `{"feature":${featureText},"enabled":${enabled},"feature_state_value":${scalarText(value)}`;
}

function identityFlagFragment(outcome: Omit<Outcome, "fragment">): Fragment {
  const text = `${flagText(outcome)},"variant":${JSON.stringify(outcome.variant)}}`;
  return { text, bytes: Buffer.byteLength(text) };
}
