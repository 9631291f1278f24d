/**
 * What Linux tells of a process in `/proc`: how much memory it holds, how many files it has open, and which
 * processes it started. It asks the process itself nothing, so nothing of the benchmark need be loaded there.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Mebibytes. */
export interface ProcessMemory {
  /** In use and not swapped out (`VmRSS`). */
  readonly rssMib: number;
  /** Of it what is no file's content (`RssAnon`): of Node's program file, all processes share one copy. */
  readonly ownMib: number;
  /** The most that was ever in use (`VmHWM`). */
  readonly peakMib: number;
}

/**
 * @returns what the process holds now
 * @throws Error where there is no `/proc`, or no such process any more
 */
export function memoryOf(pid: number): ProcessMemory {
  const status = readStatus(pid);
  if (status === null)
    throw new Error(`no memory is known of process ${pid}: it ended, or there is no /proc`);
  const mib = (name: string) => field(status, name) / 1024;
  return { rssMib: mib("VmRSS"), ownMib: mib("RssAnon"), peakMib: mib("VmHWM") };
}

/** @returns how many descriptors the process has open; 0 for one that ended meanwhile */
export function descriptorsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

/**
 * @param program what their command lines have: all, where it is left out
 * @returns the processes that this one started and that live; none where there is no `/proc`
 */
export function childrenOf(parent: number, program = ""): number[] {
  if (!existsSync("/proc/self/status")) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => field(readStatus(pid) ?? "", "PPid") === parent)
    .filter((pid) => readOf(pid, "cmdline")?.includes(program));
}

/** The processes of a proxy that answer requests, where it has several. */
export function workersOf(proxy: number): number[] {
  return childrenOf(proxy, "/worker.");
}

const readStatus = (pid: number): string | null => readOf(pid, "status");

/** Null for a process that ended meanwhile. */
function readOf(pid: number, name: "status" | "cmdline"): string | null {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return null;
  }
}

function field(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(status)?.[1] ?? Number.NaN);
}
