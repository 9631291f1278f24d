/**
 * The program that keeps the stores of an archive (`StoreKeeper`): orders come over Node's channel, and it
 * ends with the proxy, however that ends. It logs nothing.
 */

import { StoreUnavailableError } from "./store-errors.ts";
import { StoreKeeper } from "./store-keeper.ts";
import type { StoreOrder, StoreReply } from "./store-orders.ts";

// LevelDB makes its files with the process's mask, now and later.
process.umask(0o077);
// Ctrl-C reaches all processes of a terminal, and systemd's SIGTERM all of a service: the proxy decides.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
// What was written is as whole as after a kill.
process.on("disconnect", () => process.exit(0));

const keeper = new StoreKeeper();
process.on("message", (order: StoreOrder) => {
  void replyTo(order).then((reply) => {
    process.send?.(reply, undefined, undefined, () => {
      if (order.kind === "close") process.exit(0);
    });
  });
});

async function replyTo(order: StoreOrder): Promise<StoreReply> {
  try {
    return { value: await keeper.take(order) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const isUnavailable = error instanceof StoreUnavailableError;
    return { failure: { message, code: String((error as { code?: unknown }).code ?? ""), isUnavailable } };
  }
}
