/**
 * How many connections a process may hold by the limit of its descriptors (`ulimit -n`), with some left over:
 * whoever has none left can poll no upstream and archive no document. It opens no connection.
 */
import { readFileSync } from "node:fs";

/** For the upstream, the archive and the process's own channels, where the limit is not too low for that. */
const reservedMax = 128;

/**
 * @param limits what Linux tells of them
 * @returns infinite where nothing is told
 */
export function connectionsWithin(limits: string | null): number {
  const limit = Number(/^Max open files +(\d+)/m.exec(limits ?? "")?.[1] ?? Number.POSITIVE_INFINITY);
  return Math.max(1, limit - Math.min(reservedMax, Math.ceil(limit / 2)));
}

/** @returns the limits of this process; null where the system has no `/proc` */
export function readLimits(): string | null {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return null;
  }
}
