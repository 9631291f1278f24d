/**
 * The environment snapshot: all that can be known of one document version before a request comes. Built once,
 * published whole, never changed (architecture, invariants 2 and 3). It does no I/O.
 */
import { hash } from "node:crypto";
import { type CompiledEnvironment, compileEnvironment, type Outcome } from "../engine/compile-environment.ts";
import type { RefusedPattern } from "../engine/segments.ts";
import type { EnvironmentDocument } from "../models/environment-document.ts";
import { scalarText } from "../models/json.ts";
import type { IdentityCacheSettings } from "../models/settings.ts";
import { epochSecondsOf, epochSecondsText } from "./document-time.ts";
import { IdentityResponseCache } from "./identity-response-cache.ts";
import {
  type HeaderRecord,
  type HeaderSetFactory,
  type PreparedResponse,
  prepareCompressedResponse,
  prepareResponse,
} from "./prepared-response.ts";
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
  /** The document's JSON text, all pages merged. */
  readonly text: string;
  /** The same, parsed and validated. */
  readonly document: EnvironmentDocument;
  /** The upstream's `Last-Modified`, where it sent one. */
  readonly lastModified: string | null;
  /** When the document was received; stands in where it tells no time of its own. */
  readonly receivedAt: Date;
}

/** The answers' form. It is part of every ETag, so that a release that changes the form changes them too. */
const representationVersion = "1";
/** Browsers and caches may keep an answer, and ask each time whether it is current. */
const commonHeaders: HeaderRecord = { "content-type": "application/json", "cache-control": "no-cache" };

/**
 * Compiles and prepares everything. Costs much, once; compression runs on the thread pool.
 * @throws RangeError and the like where a document is beyond what the engine can compile
 */
export async function buildEnvironmentSnapshot(
  input: SnapshotInput,
  settings: SnapshotSettings,
): Promise<EnvironmentSnapshot> {
  const { document, text } = input;
  const compiled = compileEnvironment(document);
  const bytes = new TextEncoder().encode(text);
  const version = hash("sha256", text).slice(0, 16);
  const identityFlagTexts = compiled.outcomes.map(identityFlagText);
  const updatedAt = updatedAtHeader(input);
  const etagBase = `${representationVersion}-${version}`;
  const context = { compiled, identityFlagTexts, document, etagBase, settings, updatedAtHeader: updatedAt };
  const [prepared, client, server] = await Promise.all([
    prepareDocument(input, bytes, context),
    buildView("client", context),
    buildView("server", context),
  ]);
  return {
    version,
    etagBase: context.etagBase,
    environmentId: document.id ?? null,
    environmentName: document.name ?? null,
    clientKey: document.api_key,
    servesFlags: document.project.organisation?.stop_serving_flags !== true,
    document: prepared,
    views: { client, server },
    counts: {
      features: compiled.features.length,
      segments: compiled.segments.length,
      bytes: bytes.byteLength,
    },
    refusedPatterns: compiled.refusedPatterns,
  };
}

interface BuildContext {
  readonly compiled: CompiledEnvironment;
  readonly identityFlagTexts: readonly string[];
  readonly document: EnvironmentDocument;
  readonly etagBase: string;
  readonly settings: SnapshotSettings;
  readonly updatedAtHeader: HeaderRecord;
}

function updatedAtHeader({ document, lastModified, receivedAt }: SnapshotInput): HeaderRecord {
  const modified = new Date(lastModified ?? Number.NaN);
  const fallback = epochSecondsOf(Number.isNaN(modified.getTime()) ? receivedAt : modified);
  const seconds = epochSecondsText(document.updated_at ?? "") ?? fallback;
  return { "x-flagsmith-document-updated-at": seconds };
}

function prepareDocument(
  { lastModified, document }: SnapshotInput,
  body: Uint8Array<ArrayBuffer>,
  { settings, updatedAtHeader: updatedAt, etagBase }: BuildContext,
): Promise<PreparedResponse> {
  const updatedAtMs = Math.floor(Number(updatedAt["x-flagsmith-document-updated-at"])) * 1000;
  const modifiedMs = lastModified === null ? updatedAtMs : Date.parse(lastModified);
  const lastModifiedMs = Number.isNaN(modifiedMs) ? updatedAtMs : modifiedMs;
  const knowsTime = lastModified !== null || (document.updated_at ?? null) !== null;
  return prepareCompressedResponse({
    body,
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
  const { compiled, identityFlagTexts, settings, updatedAtHeader: updatedAt } = context;
  const rules = viewRules(view, context);
  return new ViewSnapshot({
    compiled,
    rules,
    flags: await prepareFlags(view, rules, context),
    identityFlagTexts,
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
  const serverOnly = new Set(document.project.server_key_only_feature_ids ?? []);
  const hidden = compiled.features.filter(({ id }) => serverOnly.has(id)).map(({ index }) => index);
  return {
    hiddenFeatures: new Set(hidden),
    hidesDisabledFlags: document.hide_disabled_flags ?? document.project.hide_disabled_flags ?? false,
    acceptsTraits: document.allow_client_traits !== false,
    hidesTraits,
  };
}

async function prepareFlags(view: View, rules: ViewRules, context: BuildContext): Promise<PreparedFlags> {
  const { compiled, settings, updatedAtHeader: updatedAt, etagBase } = context;
  const encoder = new TextEncoder();
  const etag = `${etagBase}-${view}`;
  const outcomes = compiled.defaults
    .map(({ withoutIdentity }) => withoutIdentity)
    .filter(({ enabled }) => enabled || !rules.hidesDisabledFlags)
    .filter(({ feature }) => !rules.hiddenFeatures.has(feature.index));
  const single = outcomes.map((outcome) => {
    const body = encoder.encode(`${flagText(outcome)}}`);
    return [
      outcome.feature.name,
      prepareResponse({
        body,
        headers: commonHeaders,
        etag: `${etag}-${outcome.feature.index}`,
        headerSet: settings.headerSet,
      }),
    ] as const;
  });
  const list = await prepareCompressedResponse({
    body: encoder.encode(`[${outcomes.map((outcome) => `${flagText(outcome)}}`).join(",")}]`),
    headers: { ...commonHeaders, ...updatedAt },
    etag,
    headerSet: settings.headerSet,
  });
  const firstOfCase = single.toReversed().map(([name, flag]) => [name.toLowerCase(), flag] as const);
  return { list, byName: new Map(single), byLowerCaseName: new Map(firstOfCase) };
}

/** A flag object (contract A4) without its closing brace. */
function flagText({ feature, enabled, value }: Outcome): string {
  const { id, name, type } = feature;
  const featureText = `{"id":${id},"name":${JSON.stringify(name)},"type":${JSON.stringify(type)}}`;
  return `{"feature":${featureText},"enabled":${enabled},"feature_state_value":${scalarText(value)}`;
}

function identityFlagText(outcome: Outcome): string {
  return `${flagText(outcome)},"variant":${JSON.stringify(outcome.variant)}}`;
}
