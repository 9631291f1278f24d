/**
 * The log lines of one environment's published documents. It must not log a key or a text of the document
 * other than names and patterns.
 */
import type { Logger } from "../service-logger.ts";
import type { PublishReport } from "./snapshot-publisher.ts";

export interface PublishLogOptions {
  /** The environment as logs name it; holds no whole key. */
  readonly label: string;
  /** The configured client key, to tell when a document belongs to another environment. */
  readonly clientKey: string;
  readonly logger: Logger;
}

export class PublishLog {
  readonly #options: PublishLogOptions;
  #lastClientKey: string | null = null;

  constructor(options: PublishLogOptions) {
    this.#options = options;
  }

  /** @param tookMs from the fetched document to the served one */
  published({ environmentName, version, counts, refusedPatterns, clientKey }: PublishReport, tookMs: number) {
    const { label, logger } = this.#options;
    logger.info(
      { environment: label, environmentName, version, ...counts, ms: Math.round(tookMs) },
      "Published the environment document",
    );
    if (refusedPatterns.length > 0) {
      logger.warn(
        { environment: label, patterns: refusedPatterns },
        "Regular expressions of this document cannot run safely, so their conditions never match; " +
          "rewrite them without look-around, back-references, possessive or atomic groups",
      );
    }
    if (clientKey !== this.#options.clientKey && clientKey !== this.#lastClientKey) {
      logger.warn(
        { environment: label },
        "The document's api_key is not the configured client_side_key; identities are hashed with the " +
          "document's. Check that both keys of environment_key_pairs belong to the same environment",
      );
    }
    this.#lastClientKey = clientKey;
  }
}
