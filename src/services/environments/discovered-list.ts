/**
 * Reads a list of environments as the upstream sends it, and tells which of them can be served at a moment
 * (contract B 4.2). It keeps nothing.
 */
import { documentTime } from "../../cache/document-time.ts";
import { type DiscoveredEnvironments, discoveredEnvironments } from "../../models/discovered-environments.ts";
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import { UpstreamError } from "../../models/errors.ts";
import { shownName } from "../../models/shown-name.ts";
import { joinBlocks, type PageBlocks } from "../documents/page-blocks.ts";

/** An environment of the list. */
export interface DiscoveredEnvironment {
  /** The upstream's; null: unknown. */
  readonly id: number | null;
  /** As people call it, for log lines. */
  readonly name: string | null;
  /** Those of its keys that are active, and have not expired. */
  readonly keys: EnvironmentKeys;
  /** Its other server keys. Nobody is let in with them here; one that is a key of the settings is theirs. */
  readonly otherKeys: readonly string[];
  /** Whether it can be served: without any server key its document could not be fetched. */
  readonly isUsable: boolean;
}

/**
 * @param pages each a JSON list; together they are one
 * @throws UpstreamError `not_json`, `list_invalid`: none of it is to be used then
 */
export function readDiscovered(pages: readonly PageBlocks[]): DiscoveredEnvironments {
  return pages.flatMap((page) => checkDiscovered(parsePage(page)));
}

function parsePage(blocks: PageBlocks): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(joinBlocks(blocks)));
  } catch {
    throw new UpstreamError("not_json", "The upstream's list of environments is not JSON");
  }
}

/**
 * @param list parsed
 * @throws UpstreamError `list_invalid`
 */
export function checkDiscovered(list: unknown): DiscoveredEnvironments {
  const checked = discoveredEnvironments.safeParse(list, { jitless: true });
  if (checked.data !== undefined) {
    const place = checked.data.findIndex(({ server_side_keys: keys }) =>
      keys.some(({ expires_at: text }) => text != null && documentTime(text) === null),
    );
    if (place >= 0) throw refusal(`${place}.server_side_keys: an expires_at is no time`);
    return checked.data;
  }
  const [issue] = checked.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? "the whole" : issue.path.join(".");
  throw refusal(`${place}: ${issue?.message ?? "unknown"}`);
}

function refusal(why: string): UpstreamError {
  return new UpstreamError("list_invalid", `The upstream's list of environments cannot be used (${why})`);
}

/** @returns what was there to be served at that moment, and what was not */
export function environmentsOf(list: DiscoveredEnvironments, at: Date): readonly DiscoveredEnvironment[] {
  return list.map(({ id = null, client_side_key: clientSideKey, server_side_keys, name }) => {
    // One that is the client key too would show everyone what is for servers.
    const active = server_side_keys.filter((each) => each.active && each.key !== clientSideKey);
    const serverKeys = lastExpiries(active).filter(
      ({ expiresAtMs }) => expiresAtMs === null || expiresAtMs > at.getTime(),
    );
    const valid = new Set(serverKeys.map(({ key }) => key));
    const otherKeys = server_side_keys.map(({ key }) => key).filter((key) => !valid.has(key));
    const keys = { clientSideKey, serverKeys };
    return { id, name: shownName(name ?? null), keys, otherKeys, isUsable: serverKeys.length > 0 };
  });
}

/** @returns each key once: one that is listed several times is valid for as long as any entry says */
function lastExpiries(
  listed: DiscoveredEnvironments[number]["server_side_keys"],
): EnvironmentKeys["serverKeys"] {
  const expiries = new Map<string, number>();
  for (const { key, expires_at } of listed) {
    const expiresAtMs = expiryMs(expires_at ?? null) ?? Number.POSITIVE_INFINITY;
    expiries.set(key, Math.max(expiresAtMs, expiries.get(key) ?? Number.NEGATIVE_INFINITY));
  }
  return Array.from(expiries, ([key, ms]) => ({ key, expiresAtMs: Number.isFinite(ms) ? ms : null }));
}

function expiryMs(text: string | null): number | null {
  return text === null ? null : (documentTime(text)?.getTime() ?? null);
}
