/** What the admin listener's thread has to say is logged by its process. */
import { EventEmitter } from "node:events";
import type { Worker } from "node:worker_threads";
import { expect, it } from "vitest";
import { AdminListener } from "../../../src/services/admin/admin-listener.ts";
import type { AdminReport } from "../../../src/services/admin/admin-messages.ts";
import { ListenError } from "../../../src/services/listener/http-listener.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createRecordingLogger } from "../../support/test-app.ts";

function startThread() {
  const thread = new EventEmitter();
  const { logger, lines } = createRecordingLogger();
  const listener = new AdminListener({
    thread: thread as Worker,
    isServing: () => true,
    clock: new FakeClock(),
    logger,
  });
  return { listener, lines, say: (report: AdminReport) => thread.emit("message", report) };
}

it("lines are logged as they were said, also before it listens", async () => {
  const { listener, lines, say } = startThread();
  say({ kind: "line", level: "warn", fields: { reason: "EMFILE" }, message: "not accepted" });
  expect(lines).toMatchObject([{ level: "warn", fields: { reason: "EMFILE" }, message: "not accepted" }]);
  say({ kind: "cannot-listen", message: "the port is in use" });
  await expect(listener.listen()).rejects.toThrow(ListenError);
});
