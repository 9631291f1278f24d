/**
 * The CPU time of a process with all its descendants and threads, from `/proc` or, where there is none,
 * from `ps`. Where neither tells, it says so and makes nothing up.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

export interface CpuClock {
  /** Where the times come from, and how fine they are. */
  readonly source: string;
  /**
   * @returns microseconds of CPU used so far, user and system, by the process, its descendants, and all of
   * its process group; null where that is not known
   */
  readUs(rootPid: number): number | null;
}

export interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly us: number;
}

/** Chooses the finest clock of this system. */
export function chooseCpuClock(): CpuClock {
  if (existsSync("/proc/self/stat")) {
    const tickUs =
      1_000_000 / (Number(spawnSync("getconf", ["CLK_TCK"], { encoding: "utf8" }).stdout) || 100);
    return {
      source: `/proc/<pid>/stat, in steps of ${tickUs / 1000} ms`,
      readUs: (rootPid) => treeUs(rootPid, procTimes(tickUs)),
    };
  }
  if (psTimes().some(({ pid }) => pid === process.pid))
    return {
      source: "ps, in steps of 10 ms or of whole seconds",
      readUs: (rootPid) => treeUs(rootPid, psTimes()),
    };
  return { source: "unknown: this system has neither /proc nor ps", readUs: () => null };
}

/** @returns the sum over the tree; null where none of it lives any more */
function treeUs(rootPid: number, processes: readonly ProcessTimes[]): number | null {
  const children = Map.groupBy(processes, ({ parent }) => parent);
  const tree = new Set(processes.filter(({ pid, group }) => pid === rootPid || group === rootPid));
  // A set hands out what is added while it is gone through.
  for (const { pid } of tree) for (const child of children.get(pid) ?? []) tree.add(child);
  return tree.size === 0 ? null : [...tree].reduce((sum, { us }) => sum + us, 0);
}

/** With the times of descendants that ended and were waited for: they are counted in nobody else's. */
function procTimes(tickUs: number): ProcessTimes[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = readStat(name);
      if (stat === null) return [];
      // The command's name is in parentheses, and may hold blanks and parentheses itself (proc(5)).
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const [, parent, group] = fields.map(Number);
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
      return [{ pid: Number(name), parent: parent ?? 0, group: group ?? 0, us: ticks * tickUs }];
    });
}

/** @returns null for a process that ended meanwhile */
function readStat(pid: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null;
  }
}

function psTimes(): ProcessTimes[] {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,time="], { encoding: "utf8" });
  return (stdout ?? "").split("\n").flatMap((line) => {
    const [pid, parent, group, time] = line.trim().split(/\s+/);
    const us = cpuTimeUs(time ?? "");
    return us === null ? [] : [{ pid: Number(pid), parent: Number(parent), group: Number(group), us }];
  });
}

/** Such as `1-02:03:04` on Linux, `2:03.04` on macOS. */
function cpuTimeUs(time: string): number | null {
  const [, days = 0, hours = 0, minutes = 0, seconds] =
    /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)$/.exec(time) ?? [];
  if (seconds === undefined) return null;
  return Math.round(
    (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1e6,
  );
}
