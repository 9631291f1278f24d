/**
 * Reads the files that the configuration names: itself, secrets and certificates. It must not keep them
 * open.
 */
import { closeSync, constants, openSync, readFileSync, statSync } from "node:fs";

/**
 * The text of a file, or what is wrong with it; `missing` where there is no such file, `isPipe` where what
 * was read cannot be read again.
 */
export type FileReading =
  | { readonly text: string; readonly isPipe?: boolean }
  | { readonly text: null; readonly fault: string; readonly missing: boolean };

/** Reads the file at a path, as one of the two below does. */
export type FileReader = (path: string) => FileReading;

const fileBytesMax = 16_777_216;

/**
 * Reads a UTF-8 file of at most 16 MiB; a byte order mark is dropped. A pipe is waited for until somebody has
 * written to it: not for a process that serves.
 *
 * @param path as the operating system takes it
 */
export function readTextFile(path: string): FileReading {
  return read(path, true);
}

/** As `readTextFile`; a pipe or a device is a fault. */
export function readRegularFile(path: string): FileReading {
  return read(path, false);
}

function read(path: string, mayWait: boolean): FileReading {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) return broken("a directory, not a file");
    if (!mayWait && !stats.isFile()) return broken("a pipe or a device, which would be waited for");
    if (stats.size > fileBytesMax) return broken("a file of more than 16 MiB");
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytesOf(path, mayWait));
    return stats.isFile() ? { text } : { text, isPipe: true };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ERR_ENCODING_INVALID_ENCODED_DATA") return broken("not text in UTF-8");
    if (code === "ENOENT" || code === "ENOTDIR") return { ...broken("no such file"), missing: true };
    return broken(`a file that cannot be read (${code ?? "unknown error"})`);
  }
}

function bytesOf(path: string, mayWait: boolean): Uint8Array {
  if (mayWait) return readFileSync(path);
  // It may have become a pipe since it was looked at.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

function broken(fault: string) {
  return { text: null, fault, missing: false } as const;
}
