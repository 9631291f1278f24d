/** What the head of an archived document says, as JSON on disk: all but the document's bytes. */
import { z } from "zod";

/** The form of archived entries; one of another form is refused. */
export const archiveForm = 2;

const count = z.number().int().min(0);

/** Checks a head as it was read. */
export const archiveHead = z.object({
  form: z.literal(archiveForm),
  /** Whose it is. */
  environment: z.string(),
  /** Of entries of one environment, the highest is the youngest. */
  sequence: count,
  /** The form of the packed document; of another one, only the body is of use. */
  packing: count,
  layout: z.object({
    digest: z.string(),
    facts: z.object({
      apiKey: z.string(),
      environmentId: z.string().nullable(),
      features: count,
      // Not known to releases that did not listen to the upstream; the first poll tells.
      announcesChanges: z.boolean().default(false),
    }),
    bufferBytes: z.array(count).readonly(),
    encodings: z.array(z.enum(["gzip", "br", "zstd"])).readonly(),
    featureStatePieces: count,
  }),
  /** SHA-256 of all bytes of the pieces, in hex. */
  checksum: z.string(),
  lastModified: z.string().nullable(),
  /** Epoch milliseconds. */
  receivedAtMs: z.number(),
});

export type ArchiveHead = z.infer<typeof archiveHead>;
