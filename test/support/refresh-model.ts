/**
 * What the refreshes of an environment should come to, told simply: the newest accepted document is served.
 * The model of test/fuzz/refresh-model.test.ts; it shares no code with what it is compared to.
 */
import { documentText, feature } from "./contract-documents.ts";

/** A document of the upstream. */
export interface ModelDocument {
  readonly text: string;
  readonly environment: string;
  readonly features: number;
  readonly lastModified: string;
  readonly isValid: boolean;
}

const epochMs = Date.UTC(2024, 0, 1);

/** The client key of the environment that is modelled. */
const ownKey = "clientA";

/** @param version tells documents apart; each has a date of its own */
export function modelDocument(kind: "good" | "other" | "shrunk" | "invalid", version: number): ModelDocument {
  const environment = kind === "other" ? "clientB" : ownKey;
  const features = kind === "shrunk" ? 1 : 4;
  const states = Array.from({ length: features }, (_, index) =>
    feature(index + 1, `f${index}`, { value: version }),
  );
  const text = documentText({ key: environment, features: states });
  const isValid = kind !== "invalid";
  const lastModified = new Date(epochMs + (version * 4 + features) * 60_000).toUTCString();
  const invalid = JSON.stringify({ api_key: environment, feature_states: version });
  return { text: isValid ? text : invalid, environment, features, lastModified, isValid };
}

/** What a refresh came to; null: it succeeded. */
type Failure = string | null;

export class RefreshModel {
  served: ModelDocument | null = null;
  state: "waiting" | "archived" | "fresh" | "failing" = "waiting";
  reason: Failure = null;
  failures = 0;
  lastSuccessMs: number | null = null;
  storageWorks = true;
  /** Was archived whole. */
  kept: ModelDocument | null = null;
  /** Were served since, while storage failed: they may be archived or not. */
  maybeKept: ModelDocument[] = [];
  /** Of this process alone. */
  #published: ModelDocument | null = null;
  #refused: { readonly document: ModelDocument; readonly reason: string } | null = null;
  #heldBack: string | null = null;

  /** The only date that the next request may ask about. */
  get knownDate(): string | null {
    return (this.#refused?.document ?? this.#published)?.lastModified ?? null;
  }

  /** The upstream sent a document. */
  took(document: ModelDocument, nowMs: number): void {
    this.#ended(this.#judge(document), nowMs);
  }

  /** The upstream answered 304. */
  unmodified(wasAsked: boolean, nowMs: number): void {
    this.#ended(wasAsked ? (this.#refused?.reason ?? null) : "unexpected_not_modified", nowMs);
  }

  failed(reason: string): void {
    this.#ended(reason, 0);
  }

  /** @param restored what is served after a restart, as one saw */
  restarted(restored: ModelDocument | null, lastSuccessMs: number | null): void {
    this.served = restored;
    this.state = restored === null ? "waiting" : "archived";
    this.reason = null;
    this.failures = 0;
    this.lastSuccessMs = lastSuccessMs;
    this.#published = null;
    this.#refused = null;
    this.#heldBack = null;
  }

  #judge(document: ModelDocument): Failure {
    if (this.#published?.text === document.text) {
      this.#refused = null;
      return null;
    }
    if (!document.isValid) return this.#refuse(document, "document_invalid");
    const isOwnAtLast = document.environment === ownKey && this.served?.environment !== ownKey;
    if (this.served !== null && !isOwnAtLast && this.served.environment !== document.environment) {
      return this.#refuse(document, "other_environment");
    }
    const isShrunk = !isOwnAtLast && document.features < (this.served?.features ?? 0) / 2;
    if (isShrunk && this.#heldBack !== document.text) {
      this.#heldBack = document.text;
      return "document_shrunk";
    }
    this.served = document;
    this.#published = document;
    this.#refused = null;
    if (this.storageWorks) {
      this.kept = document;
      this.maybeKept = [];
    } else this.maybeKept.push(document);
    return null;
  }

  #refuse(document: ModelDocument, reason: string): string {
    this.#refused = { document, reason };
    return reason;
  }

  #ended(failure: Failure, nowMs: number): void {
    this.reason = failure;
    if (failure === null) {
      this.state = "fresh";
      this.failures = 0;
      this.lastSuccessMs = nowMs;
      // Only a document that comes again before another word of the upstream is confirmed.
      this.#heldBack = null;
      return;
    }
    if (this.state !== "archived") this.state = "failing";
    this.failures += 1;
  }
}
