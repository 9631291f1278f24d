/**
 * The connections that are being made to a port, as the kernel sees them: sent, and not answered yet. Linux
 * alone, and of this network namespace.
 */
import { readFileSync } from "node:fs";

export interface AttemptsSeen {
  /** At the same time. */
  readonly most: number;
  readonly longestMs: number;
}

const sampleMs = 20;
/** Of `/proc/net/tcp`, `SYN_SENT`. */
const awaited = "02";

/** Looks from now on. @returns ends it, and tells what was seen */
export function watchAttempts(port: number): () => AttemptsSeen {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const since = new Map<string, number>();
  let seen: AttemptsSeen = { most: 0, longestMs: 0 };
  const look = (): void => {
    const nowMs = performance.now();
    const open = attemptsTo(remote);
    // The kernel writes the table in pieces: where that took long, they are of different times.
    if (performance.now() - nowMs > sampleMs) return;
    for (const local of since.keys()) if (!open.includes(local)) since.delete(local);
    for (const local of open) if (!since.has(local)) since.set(local, nowMs);
    const ages = [...since.values()].map((startMs) => nowMs - startMs);
    seen = { most: Math.max(seen.most, open.length), longestMs: Math.max(seen.longestMs, ...ages) };
  };
  const timer = setInterval(look, sampleMs);
  return () => {
    clearInterval(timer);
    return seen;
  };
}

/** @returns their local addresses; each once, while a table that changes may have it more often */
function attemptsTo(remote: string): readonly string[] {
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1);
  const attempts = lines.flatMap((line) => {
    const [, local = "", to = "", state] = line.trim().split(/\s+/);
    return state === awaited && to.endsWith(remote) ? [local] : [];
  });
  return [...new Set(attempts)];
}
