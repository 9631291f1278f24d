/**
 * The archive of published documents: for each environment the last two, so that a process that starts
 * without its upstream serves what was served before. An entry is a head and pieces; it is there once its
 * head is, which is written last. What is damaged is refused with a reason, and the older one is used.
 */
import { createHash } from "node:crypto";
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import { type ArchiveHead, archiveForm, archiveHead } from "../../models/archive-head.ts";
import { PackedAssembly, packedBuffers, packedLayout, packingForm } from "../documents/packed-layout.ts";
import { decodeChecked, encodeChecked } from "./checked-text.ts";
import type { DocumentStore } from "./document-store.ts";

/** A piece of this size is copied and hashed within a millisecond. */
const pieceBytes = 262_144;

type Generation = "a" | "b";
const generations: readonly Generation[] = ["a", "b"];

/** Why an entry is not used. */
class RefusedEntryError extends Error {
  override readonly name = "RefusedEntryError";
}

/** What was found of an environment. */
export interface ArchivedDocument {
  readonly document: SnapshotInput;
  /** Whether all of it is as this version packs documents; else only the body is. */
  readonly isPacked: boolean;
  /** When the upstream last said that this is its document. */
  readonly confirmedAt: Date;
}

/** What came of looking for a document. */
export interface ArchiveReading {
  /** Null where there is no entry that can be used. */
  readonly found: ArchivedDocument | null;
  /** Why younger entries, or all, were refused; the youngest first. */
  readonly refusals: readonly string[];
}

/** Documents of one environment must be kept one after the other. It rejects where the disk does. */
export class DocumentArchive {
  readonly #store: DocumentStore;

  constructor(store: DocumentStore) {
    this.#store = store;
  }

  /**
   * Reads the youngest entry that is whole.
   * @param environment names it, without being its key
   */
  async find(environment: string): Promise<ArchiveReading> {
    const refusals: string[] = [];
    for (const { generation, head } of await this.#heads(environment, refusals)) {
      try {
        const { document, isPacked } = await this.#read(entryPrefix(environment, generation), head);
        const confirmedMs = await this.#confirmedMs(environment);
        const confirmedAt = new Date(Math.max(head.receivedAtMs, confirmedMs));
        return { found: { document, isPacked, confirmedAt }, refusals };
      } catch (error) {
        if (!(error instanceof RefusedEntryError)) throw error;
        refusals.push(error.message);
      }
    }
    return { found: null, refusals };
  }

  /** Writes an entry in place of the older one; the younger one stays as it is. */
  async keep(environment: string, { packed, lastModified, receivedAt }: SnapshotInput): Promise<void> {
    const [youngest] = await this.#heads(environment, []);
    const generation = youngest?.generation === "a" ? "b" : "a";
    const prefix = entryPrefix(environment, generation);
    await this.#store.del(`${prefix}head`, { sync: true });
    await this.#store.clear({ gte: prefix, lt: `${prefix}~` });
    const checksum = createHash("sha256");
    let piece = 0;
    for (const { buffer, byteOffset, byteLength } of packedBuffers(packed)) {
      for (let at = 0; at < byteLength; at += pieceBytes) {
        const bytes = new Uint8Array(buffer, byteOffset + at, Math.min(pieceBytes, byteLength - at));
        checksum.update(bytes);
        await this.#store.put(pieceKey(prefix, piece), bytes);
        piece += 1;
      }
    }
    const head: ArchiveHead = {
      form: archiveForm,
      sequence: (youngest?.head.sequence ?? 0) + 1,
      packing: packingForm,
      layout: packedLayout(packed),
      checksum: checksum.digest("hex"),
      lastModified,
      receivedAtMs: receivedAt.getTime(),
    };
    await this.#store.put(`${prefix}head`, encodeChecked(JSON.stringify(head)), { sync: true });
  }

  /** Notes that the youngest entry was confirmed by the upstream. */
  async confirm(environment: string, time: Date): Promise<void> {
    await this.#store.put(`${environment}!confirmed`, new TextEncoder().encode(String(time.getTime())));
  }

  /** When a document of it was received or confirmed last; 1970 where nothing tells. */
  async lastUse(environment: string): Promise<Date> {
    const heads = await this.#heads(environment, []);
    const receivedMs = heads.map(({ head }) => head.receivedAtMs);
    return new Date(Math.max(await this.#confirmedMs(environment), ...receivedMs));
  }

  /** Nothing is known of the environment any more. */
  async forget(environment: string): Promise<void> {
    for (const generation of generations) {
      await this.#store.del(`${entryPrefix(environment, generation)}head`, { sync: true });
    }
    await this.#store.clear({ gte: `${environment}!`, lt: `${environment}!~` });
  }

  /** The heads that can be read, the youngest first. */
  async #heads(environment: string, refusals: string[]) {
    const heads: { generation: Generation; head: ArchiveHead }[] = [];
    for (const generation of generations) {
      const bytes = await this.#store.get(`${entryPrefix(environment, generation)}head`);
      if (bytes === undefined) continue;
      const head = decodeHead(bytes);
      if (head === null) refusals.push("its head is damaged, or of another version of this program");
      else heads.push({ generation, head });
    }
    return heads.sort((left, right) => right.head.sequence - left.head.sequence);
  }

  async #read(prefix: string, { layout, checksum, packing, lastModified, receivedAtMs }: ArchiveHead) {
    const assembly = new PackedAssembly(layout);
    const found = createHash("sha256");
    let left = layout.bufferBytes.reduce((total, bytes) => total + bytes, 0);
    for (let piece = 0; left > 0; piece += 1) {
      const bytes = await this.#store.get(pieceKey(prefix, piece));
      if (bytes === undefined) throw new RefusedEntryError("a piece of it is missing");
      left -= bytes.byteLength;
      if (left < 0) throw new RefusedEntryError("a piece of it is too long");
      found.update(bytes);
      assembly.add(bytes);
    }
    if (found.digest("hex") !== checksum) throw new RefusedEntryError("its checksum is wrong");
    const packed = assembly.finish();
    if (packed === null) throw new RefusedEntryError("its head does not fit its pieces");
    const document = { packed, lastModified, receivedAt: new Date(receivedAtMs) };
    return { document, isPacked: packing === packingForm };
  }

  /** 0 where it never was. */
  async #confirmedMs(environment: string): Promise<number> {
    const bytes = await this.#store.get(`${environment}!confirmed`);
    const ms = Number(new TextDecoder().decode(bytes));
    return Number.isFinite(ms) ? ms : 0;
  }
}

function entryPrefix(environment: string, generation: Generation): string {
  return `${environment}!${generation}!`;
}

function pieceKey(prefix: string, piece: number): string {
  return `${prefix}${String(piece).padStart(6, "0")}`;
}

function decodeHead(bytes: Uint8Array): ArchiveHead | null {
  const text = decodeChecked(bytes);
  return text === null ? null : (archiveHead.safeParse(JSON.parse(text)).data ?? null);
}
