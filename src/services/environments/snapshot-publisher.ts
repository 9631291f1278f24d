/**
 * Turns a fetched document into the snapshot that is served: parse, validate, compile, prepare, swap. A
 * document that fails on the way changes nothing (contract A11). It alone writes to the snapshot store.
 */
import { documentTime } from "../../cache/document-time.ts";
import {
  buildEnvironmentSnapshot,
  type EnvironmentSnapshot,
  type SnapshotSettings,
} from "../../cache/environment-snapshot.ts";
import type { SnapshotSlot, SnapshotStore } from "../../cache/snapshot-store.ts";
import { type EnvironmentDocument, environmentDocument } from "../../models/environment-document.ts";
import { UpstreamError } from "../../models/errors.ts";
import { parseJson } from "../../models/json.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../service-logger.ts";

/** The environment a document is published for. */
export interface PublishTarget {
  readonly slot: SnapshotSlot;
  /** The configured client key, to tell when a document belongs to another environment. */
  readonly clientKey: string;
  /** The environment as logs name it; holds no whole key. */
  readonly label: string;
}

export interface SnapshotPublisherOptions {
  readonly store: SnapshotStore;
  readonly snapshotSettings: SnapshotSettings;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the poller learns from a published document. */
export interface PublishedDocument {
  /** The document's `updated_at`; null where it has none that can be read. */
  readonly updatedAt: Date | null;
}

export class SnapshotPublisher {
  readonly #options: SnapshotPublisherOptions;

  constructor(options: SnapshotPublisherOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the document is being served.
   * @param fetched the document's text and the upstream's `Last-Modified`
   * @throws UpstreamError `document_invalid`, and the slot keeps what it had
   */
  async publish(
    target: PublishTarget,
    fetched: { readonly text: string; readonly lastModified: string | null },
  ): Promise<PublishedDocument> {
    const { clock, snapshotSettings, store } = this.#options;
    const startMs = clock.monotonicMs();
    const document = parseDocument(fetched.text);
    const snapshot = await build({ ...fetched, document, receivedAt: clock.wallTime() }, snapshotSettings);
    const previous = target.slot.current;
    store.swap(target.slot, snapshot);
    this.#report(target, snapshot, previous, clock.monotonicMs() - startMs);
    return { updatedAt: documentTime(document.updated_at ?? "") };
  }

  #report(
    { clientKey, label }: PublishTarget,
    snapshot: EnvironmentSnapshot,
    previous: EnvironmentSnapshot | null,
    tookMs: number,
  ): void {
    const { logger } = this.#options;
    const { environmentName, counts, version, refusedPatterns } = snapshot;
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
    if (snapshot.clientKey !== clientKey && snapshot.clientKey !== previous?.clientKey) {
      logger.warn(
        { environment: label },
        "The document's api_key is not the configured client_side_key; identities are hashed with the " +
          "document's. Check that both keys of environment_key_pairs belong to the same environment",
      );
    }
  }
}

function parseDocument(text: string): EnvironmentDocument {
  const result = environmentDocument.safeParse(parse(text));
  if (result.success) return result.data;
  const faults = result.error.issues.slice(0, 3).map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new UpstreamError("document_invalid", `not an environment document: ${faults.join("; ")}`);
}

function parse(text: string): unknown {
  try {
    return parseJson(text);
  } catch (cause) {
    // The parser's own message quotes the document, which is not for logs.
    const fault = cause instanceof RangeError ? "is nested too deeply" : "is not JSON";
    throw new UpstreamError("document_invalid", `the environment document ${fault}`);
  }
}

async function build(
  input: Parameters<typeof buildEnvironmentSnapshot>[0],
  settings: SnapshotSettings,
): Promise<EnvironmentSnapshot> {
  try {
    return await buildEnvironmentSnapshot(input, settings);
  } catch (cause) {
    throw new UpstreamError("document_invalid", "the environment document cannot be compiled", { cause });
  }
}
