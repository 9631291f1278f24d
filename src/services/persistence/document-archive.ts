/**
 * The archive of published documents: for each environment the last two, each in a store of its own, so that
 * a process that starts without its upstream serves what was served before. An entry is a head and pieces; it
 * is there once its head is, which is written last. What is damaged is refused with a reason, and the older
 * one is used.
 */
import { createHash } from "node:crypto";
import type { SnapshotInput } from "../../cache/environment-snapshot.ts";
import { type ArchiveHead, archiveForm, archiveHead } from "../../models/archive-head.ts";
import { PackedAssembly, packedBuffers, packedLayout, packingForm } from "../documents/packed-layout.ts";
import { decodeChecked, encodeChecked } from "./checked-text.ts";
import {
  type DocumentStore,
  otherStore,
  type StoreName,
  storeNames,
  type TwinStores,
} from "./document-store.ts";
import { StoreEndedError, StoreUnavailableError } from "./store-errors.ts";

/** A piece of this size is copied and hashed within a millisecond. */
const pieceBytes = 262_144;
/** So many are read at once: an environment of twenty features has that many. */
const piecesAtOnce = 16;

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
  readonly #twins: TwinStores;

  constructor(twins: TwinStores) {
    this.#twins = twins;
  }

  /**
   * Reads the youngest entry that is whole.
   * @param environment names it, without being its key
   */
  async find(environment: string): Promise<ArchiveReading> {
    const { entries, latest, confirmedMs, refusals } = await this.#look(environment);
    // A store that was begun anew says nothing, nor does one that has lost a part of its log.
    if (refusals.length === 0 && latest > (entries[0]?.head.sequence ?? 0)) refusals.push("it is lost");
    for (const { name, head } of entries) {
      try {
        const { document, isPacked } = await readEntry(this.#twins[name], environment, head);
        const confirmedAt = new Date(Math.max(head.receivedAtMs, confirmedMs));
        return { found: { document, isPacked, confirmedAt }, refusals };
      } catch (error) {
        refusals.push(refusalOf(error));
        // The next document is written in place of this one, not of the one that stands in.
        // A disk that does not let it is told of by whoever writes.
        if (error instanceof RefusedEntryError) {
          await this.#twins[name].del(headKey(environment)).catch(() => undefined);
        }
      }
    }
    return { found: null, refusals };
  }

  /** Writes an entry in place of the older one; the younger one stays as it is. */
  async keep(environment: string, { packed, lastModified, receivedAt }: SnapshotInput): Promise<void> {
    const { entries, latest } = await this.#look(environment);
    const name = entries[0] === undefined ? "a" : otherStore(entries[0].name);
    const store = this.#twins[name];
    await store.del(headKey(environment), { sync: true });
    await store.clear(piecesOf(environment));
    const checksum = createHash("sha256");
    let piece = 0;
    for (const { buffer, byteOffset, byteLength } of packedBuffers(packed)) {
      for (let at = 0; at < byteLength; at += pieceBytes) {
        const bytes = new Uint8Array(buffer, byteOffset + at, Math.min(pieceBytes, byteLength - at));
        checksum.update(bytes);
        await store.put(pieceKey(environment, piece), bytes);
        piece += 1;
      }
    }
    const head: ArchiveHead = {
      form: archiveForm,
      environment,
      sequence: latest + 1,
      packing: packingForm,
      layout: packedLayout(packed),
      checksum: checksum.digest("hex"),
      lastModified,
      receivedAtMs: receivedAt.getTime(),
    };
    await store.put(headKey(environment), encodeChecked(JSON.stringify(head)), { sync: true });
    // Where this store loses the entry, the other one knows of it.
    await note(this.#twins[otherStore(name)], environment, "latest", head.sequence);
  }

  /**
   * Notes that the youngest entry was confirmed by the upstream.
   * @returns whether there is one
   */
  async confirm(environment: string, time: Date): Promise<boolean> {
    for (const name of storeNames) await note(this.#twins[name], environment, "confirmed", time.getTime());
    return (await this.#look(environment)).entries.length > 0;
  }

  /** When a document of it was received or confirmed last; 1970 where nothing tells. */
  async lastUse(environment: string): Promise<Date> {
    const { entries, confirmedMs } = await this.#look(environment);
    return new Date(Math.max(confirmedMs, ...entries.map(({ head }) => head.receivedAtMs)));
  }

  /** Nothing is known of the environment any more. */
  async forget(environment: string): Promise<void> {
    for (const name of storeNames) {
      await this.#twins[name].del(headKey(environment), { sync: true });
      await this.#twins[name].clear({ gte: `${environment}!`, lt: `${environment}!~` });
    }
  }

  /** All that is there of an environment but the pieces: heads that can be read, the youngest first. */
  async #look(environment: string) {
    const entries: { name: StoreName; head: ArchiveHead }[] = [];
    const refusals: string[] = [];
    let [latest, confirmedMs] = [0, 0];
    const keys = [headKey(environment), noteKey(environment, "latest"), noteKey(environment, "confirmed")];
    for (const name of storeNames) {
      try {
        const [bytes, latestNote, confirmedNote] = await this.#twins[name].getMany(keys);
        latest = Math.max(latest, notedIn(latestNote));
        confirmedMs = Math.max(confirmedMs, notedIn(confirmedNote));
        const head = bytes === undefined ? null : decodeHead(bytes, environment);
        if (head !== null) {
          latest = Math.max(latest, head.sequence);
          entries.push({ name, head });
        }
      } catch (error) {
        refusals.push(refusalOf(error));
      }
    }
    entries.sort((left, right) => right.head.sequence - left.head.sequence);
    return { entries, latest, confirmedMs, refusals };
  }
}

/** `latest`: the highest sequence in the other store; `confirmed`: when the upstream said so, in epoch ms. */
type Note = "latest" | "confirmed";

function noteKey(environment: string, what: Note): string {
  return `${environment}!${what}`;
}

async function note(store: DocumentStore, environment: string, what: Note, value: number): Promise<void> {
  await store.put(noteKey(environment, what), encodeChecked(String(value)));
}

/** 0 where nothing is noted, or it is damaged. */
function notedIn(bytes: Uint8Array | undefined): number {
  const text = bytes === undefined ? null : decodeChecked(bytes);
  return text === null ? 0 : Number(text);
}

/** @throws RefusedEntryError; what ends the store */
async function readEntry(store: DocumentStore, environment: string, head: ArchiveHead) {
  const { layout, checksum, packing, lastModified, receivedAtMs } = head;
  const assembly = new PackedAssembly(layout);
  const found = createHash("sha256");
  let left = layout.bufferBytes.reduce((total, bytes) => total + bytes, 0);
  for (let piece = 0; left > 0; piece += piecesAtOnce) {
    const keys = Array.from({ length: piecesAtOnce }, (_, index) => pieceKey(environment, piece + index));
    for (const bytes of await store.getMany(keys)) {
      if (left === 0) break;
      if (bytes === undefined) throw new RefusedEntryError("a piece of it is missing");
      left -= bytes.byteLength;
      if (left < 0) throw new RefusedEntryError("a piece of it is too long");
      found.update(bytes);
      assembly.add(bytes);
    }
  }
  if (found.digest("hex") !== checksum) throw new RefusedEntryError("its checksum is wrong");
  const packed = assembly.finish();
  if (packed === null) throw new RefusedEntryError("its head does not fit its pieces");
  const document = { packed, lastModified, receivedAt: new Date(receivedAtMs) };
  return { document, isPacked: packing === packingForm };
}

/**
 * @returns why an entry is not used: what the disk says of one entry says nothing of the other
 * @throws what is no fault of the entry
 */
function refusalOf(error: unknown): string {
  if (error instanceof RefusedEntryError) return error.message;
  if (error instanceof StoreUnavailableError || error instanceof StoreEndedError) throw error;
  return `it cannot be read (${error instanceof Error ? error.message : String(error)})`;
}

function headKey(environment: string): string {
  return `${environment}!head`;
}

function piecesOf(environment: string): { readonly gte: string; readonly lt: string } {
  return { gte: `${environment}!0`, lt: `${environment}!:` };
}

function pieceKey(environment: string, piece: number): string {
  return `${environment}!${String(piece).padStart(6, "0")}`;
}

function decodeHead(bytes: Uint8Array, environment: string): ArchiveHead {
  const text = decodeChecked(bytes);
  const head = text === null ? null : archiveHead.safeParse(parsed(text)).data;
  if (head == null) throw new RefusedEntryError("its head is damaged, or of another version of this program");
  if (head.environment !== environment) throw new RefusedEntryError("it is another environment's");
  return head;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
