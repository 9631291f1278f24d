/**
 * The end of a process, which a log that nobody reads must not hold up: a thread that waits in the kernel,
 * for room in a full pipe or for a disk, keeps Node from exiting, whatever asks for it. It does not know what
 * is logged.
 */
import type { Clock } from "./clock.ts";
import { settlesWithin } from "./time-limit.ts";

/** How long the log is waited for. */
const logEndMsMax = 1000;
/** The same where an end was asked for twice. */
const cutLogEndMsMax = 300;
/** What keeps an exit waiting for as long as the disk or a name server does: the thread pool's work. */
const pooledWork = /^(FSReq|GetAddrInfo|GetNameInfo)/;

/** The log, as its process ends. */
export interface EndingLog {
  /** Resolves once all that was logged is written; never, while nobody takes it. */
  flush(): Promise<void>;
}

/**
 * Resolves once the log is written. Where that takes more than a second the process ends here, killed by
 * SIGKILL: nothing else ends it then, and no exit code can be had.
 */
export async function logWritten(log: EndingLog, clock: Pick<Clock, "sleep">): Promise<void> {
  if (!(await settlesWithin(log.flush(), logEndMsMax, clock))) endHard();
}

/**
 * Exits once the log is written, or is killed, as in `logWritten`. Until then the process goes on: a write
 * that is waited for in this turn may never return.
 */
export async function endProcess(code: number, log: EndingLog, clock: Pick<Clock, "sleep">): Promise<void> {
  await logWritten(log, clock);
  process.exit(code);
}

/**
 * Exits by 0 within a third of a second; is killed by SIGKILL where the log, a disk or a name server that
 * hangs would keep it from that.
 */
export async function cutProcess(log: EndingLog, clock: Pick<Clock, "sleep">): Promise<void> {
  const isWritten = await settlesWithin(log.flush(), cutLogEndMsMax, clock);
  if (!isWritten || process.getActiveResourcesInfo().some((each) => pooledWork.test(each))) endHard();
  else process.exit(0);
}

/** Ends this process at once, whatever its threads do. */
export function endHard(): void {
  process.kill(process.pid, "SIGKILL");
}
