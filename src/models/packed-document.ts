/**
 * An environment document, checked and taken apart into buffers: so it crosses processes without being
 * copied as objects, and is unpacked piece by piece. It does not say what the pieces mean.
 */

/**
 * Where in the document's bytes the identity overrides of an identifier stand. Entries are sorted by bucket,
 * those of one bucket in document order; `bucketStarts[b]` to `bucketStarts[b + 1]` are the entries of `b`.
 */
export interface OverrideIndex {
  /** One more than there are buckets, whose number is a power of two. */
  readonly bucketStarts: Uint32Array<ArrayBuffer>;
  /** By entry: the hash of the identifier. */
  readonly hashes: Uint32Array<ArrayBuffer>;
  /** By entry: where its JSON object begins in the body, and the position after it. */
  readonly starts: Uint32Array<ArrayBuffer>;
  readonly ends: Uint32Array<ArrayBuffer>;
}

/** The content codings that are offered, by their names in HTTP. */
export type ContentEncoding = "gzip" | "br" | "zstd";

/** A body in one coding. */
export interface CompressedBody {
  readonly encoding: ContentEncoding;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What tells whose document it is, and how much it holds. */
export interface DocumentFacts {
  /** The client key that the document names as its own. */
  readonly apiKey: string;
  /** The environment's id; null where the document has none. */
  readonly environmentId: string | null;
  readonly features: number;
  /** Whether the upstream tells of its changes on an event stream (`project.enable_realtime_updates`). */
  readonly announcesChanges: boolean;
}

/** A document that was checked; it never changes. */
export interface PackedDocument {
  /** SHA-256 of the body, in hex: names the content. */
  readonly digest: string;
  readonly facts: DocumentFacts;
  /** The whole document as UTF-8 JSON, all pages merged, otherwise as the upstream wrote it. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The body in the encodings that make it smaller, the smallest first. */
  readonly compressed: readonly CompressedBody[];
  /** JSON of the checked document, its long lists left empty. */
  readonly shell: Uint8Array<ArrayBuffer>;
  /** JSON lists, which together are the checked `feature_states`. */
  readonly featureStates: readonly Uint8Array<ArrayBuffer>[];
  /** The same of `project.segments`. */
  readonly segments: readonly Uint8Array<ArrayBuffer>[];
  readonly overrides: OverrideIndex;
}
