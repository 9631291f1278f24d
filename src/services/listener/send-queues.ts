/**
 * How many bytes the kernel holds of sockets because their peers have not taken them. Node tells nothing of
 * it: between what it has handed over and what a peer has taken lie megabytes. It opens no socket.
 */
import { open, readlink } from "node:fs/promises";

/** One line is one socket: addresses, state, what waits to be sent and to be read, …, its inode. */
const linePattern = /^ *\d+: \S+ \S+ \S+ ([0-9A-F]+):\S+ \S+ \S+ +\d+ +\d+ (\d+) /;

/**
 * @param descriptors of sockets of this process
 * @returns bytes by descriptor, without those that have closed meanwhile; null where the system has no
 *   `/proc`
 */
export async function readSendQueues(
  descriptors: readonly number[],
): Promise<ReadonlyMap<number, number> | null> {
  const inodes = new Map<string, number>();
  for (const descriptor of descriptors) {
    const target = await readlink(`/proc/self/fd/${descriptor}`).catch(() => "");
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined) inodes.set(inode, descriptor);
  }
  const queues = new Map<number, number>();
  const areRead = await Promise.all(["tcp", "tcp6"].map((table) => readTable(table, inodes, queues)));
  return areRead.includes(true) ? queues : null;
}

/** A page at a time: with many sockets the table has megabytes. @returns whether it is there */
async function readTable(
  table: string,
  inodes: ReadonlyMap<string, number>,
  queues: Map<number, number>,
): Promise<boolean> {
  try {
    await using file = await open(`/proc/self/net/${table}`);
    for await (const line of file.readLines({ encoding: "latin1" })) {
      const [, queue = "", inode = ""] = linePattern.exec(line) ?? [];
      const descriptor = inodes.get(inode);
      if (descriptor !== undefined) queues.set(descriptor, Number.parseInt(queue, 16));
    }
    return true;
  } catch {
    return false;
  }
}
