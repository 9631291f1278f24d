/** Lists of environments as an upstream sends them to a proxy key (contract B 4.2), for tests. */
import { demoDocumentWith } from "./running-proxy.ts";

export interface ListedKey {
  readonly key: string;
  readonly active?: boolean;
  readonly expires_at?: string | null;
}

/** An entry with all members that the contract names. A key by itself is active for ever. */
export function listed(clientKey: string, ...keys: readonly (string | ListedKey)[]) {
  return {
    id: 7,
    name: `name of ${clientKey}`,
    client_side_key: clientKey,
    server_side_keys: keys.map((each) => {
      const { key, active = true, expires_at = null } = typeof each === "string" ? { key: each } : each;
      return { key, active, expires_at };
    }),
    updated_at: "2026-01-01T00:00:00Z",
    project_id: 1,
    organisation_id: 2,
  };
}

/** The demo document as that of another environment. */
export function documentOfKey(clientKey: string): string {
  return demoDocumentWith({}, { api_key: clientKey });
}
