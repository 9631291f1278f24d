/**
 * Connections that were handed to a worker which ended before it took them. Node forgets them, and their
 * clients would wait for as long as they have patience: they are closed, so that clients try again at once.
 */
import type { ChildProcess, SendHandle } from "node:child_process";

/** Of Node's cluster, undocumented: whether a worker took the connection that it was handed. */
interface Acknowledgement {
  readonly accepted?: boolean;
}

/** @param process a worker that was started just now; it is handed one connection at a time */
export function closeUntaken(process: ChildProcess): void {
  let handed: { close?(): void } | null = null;
  const send = process.send.bind(process) as (message: unknown, handle?: SendHandle) => boolean;
  const sendNoting = (message: unknown, handle?: SendHandle, ...others: []): boolean => {
    if (typeof handle === "object") handed = handle as { close?(): void };
    return send(message, handle, ...others);
  };
  process.send = sendNoting as ChildProcess["send"];
  // Whoever takes it has it alone from then on; what was not accepted is another worker's next.
  process.on("internalMessage", ({ accepted }: Acknowledgement) => {
    if (accepted !== undefined) handed = null;
  });
  process.once("exit", () => handed?.close?.());
}
