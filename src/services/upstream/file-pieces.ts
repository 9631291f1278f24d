/**
 * What a file has, piece by piece, also where it is a pipe or a device: those have no size, may have no end,
 * and may send nothing. It must not hold up a thread: the process has four of them for all files.
 */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { UpstreamError } from "../../models/errors.ts";
import type { Clock } from "../clock.ts";

const pieceBytes = 65_536;
/** So long a pipe or a device may take in all, in milliseconds. */
export const readMsMax = 10_000;
/** So long nobody looks again whether a pipe has something, in milliseconds. */
const pauseMs = 20;

/** Opens it at once: without the flag, a pipe that nobody writes to keeps its thread until somebody does. */
export async function openFile(path: string): Promise<FileHandle> {
  return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
}

/**
 * @param signal ends it at once
 * @returns each piece is overwritten by the next
 * @throws UpstreamError `no_file` where a pipe or a device has no end in time; the signal's reason;
 *   what the file system throws
 */
export async function* filePieces(
  file: FileHandle,
  clock: Pick<Clock, "monotonicMs" | "sleep">,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const isRegular = (await file.stat()).isFile();
  const endMs = clock.monotonicMs() + readMsMax;
  const piece = Buffer.allocUnsafe(pieceBytes);
  for (;;) {
    const bytes = await readPiece(file, piece);
    signal.throwIfAborted();
    if (bytes === 0) return;
    if (bytes !== null) yield piece.subarray(0, bytes);
    if (!isRegular && clock.monotonicMs() >= endMs) {
      throw new UpstreamError(
        "no_file",
        `The environment's file was not read to its end within ${readMsMax / 1000} s`,
      );
    }
    if (bytes === null) await clock.sleep(pauseMs, signal);
  }
}

/** @returns how many bytes there were, 0 at the end; null where there is nothing yet */
async function readPiece(file: FileHandle, piece: Buffer): Promise<number | null> {
  try {
    return (await file.read(piece, 0, piece.byteLength, null)).bytesRead;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return null;
    throw error;
  }
}
