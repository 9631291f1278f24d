/**
 * The log lines of one environment's published documents. It must not log a key or a text of the document
 * other than names and patterns.
 */
import { shownName } from "../../models/shown-name.ts";
import type { Logger } from "../service-logger.ts";
import type { PublishReport } from "./snapshot-publisher.ts";

export interface PublishLogOptions {
  /** The environment as logs name it now; holds no whole key. */
  readonly label: () => string;
  /** The configured client key, to tell when a document belongs to another environment. */
  readonly clientKey: string;
  readonly logger: Logger;
}

export class PublishLog {
  readonly #options: PublishLogOptions;
  #lastClientKey: string | null = null;
  #lastUpdatedAt: Date | null = null;

  constructor(options: PublishLogOptions) {
    this.#options = options;
  }

  /** @param tookMs from the fetched document to the served one */
  published(report: PublishReport, tookMs: number): void {
    const { label, logger } = this.#options;
    const { clientKey, refusedPatterns } = report;
    this.#tellOfVersion(report, tookMs);
    if (refusedPatterns.length > 0) {
      logger.warn(
        { environment: label(), patterns: refusedPatterns },
        "Regular expressions of this document cannot run safely, so their conditions never match; " +
          "rewrite them without look-around, back-references, possessive or atomic groups",
      );
    }
    if (clientKey !== this.#options.clientKey && clientKey !== this.#lastClientKey) {
      logger.warn(
        { environment: label() },
        "The document's api_key is not the configured client_side_key; identities are hashed with the " +
          "document's. Check that both keys of environment_key_pairs belong to the same environment",
      );
    }
    this.#lastClientKey = clientKey;
  }

  /** An older one is as good as any other (reliability B22); whoever restored the upstream should see it. */
  #tellOfVersion(report: PublishReport, tookMs: number): void {
    const { label, logger } = this.#options;
    const { version, counts, updatedAt } = report;
    const environmentName = shownName(report.environmentName);
    const fields = { environment: label(), environmentName, version, ...counts, ms: Math.round(tookMs) };
    // That of another environment's document, which this one replaces, is no measure of it.
    const last = report.clientKey === this.#lastClientKey ? this.#lastUpdatedAt : null;
    this.#lastUpdatedAt = updatedAt ?? last;
    if (last === null || updatedAt === null || updatedAt >= last) {
      logger.info(fields, "Published the environment document");
      return;
    }
    logger.warn(
      { ...fields, updatedAt: updatedAt.toISOString(), servedBefore: last.toISOString() },
      "Published an environment document that is older than the one before. If the upstream was not " +
        "restored from a backup, look for replicas of it that lag behind",
    );
  }
}
