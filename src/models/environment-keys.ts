/** The keys that open an environment, as the control plane tells the data plane of them. */

/** A key that opens the server view, and fetches the document. */
export interface ServerKey {
  /** `ser.…` */
  readonly key: string;
  /** When it ceases to be valid, in milliseconds since 1970; null: never. */
  readonly expiresAtMs: number | null;
}

/** All keys of one environment. */
export interface EnvironmentKeys {
  readonly clientSideKey: string;
  /** At least one. Documents are fetched with the first that is valid. */
  readonly serverKeys: readonly ServerKey[];
}
