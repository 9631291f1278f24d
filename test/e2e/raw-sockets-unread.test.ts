/** Clients that ask much and read nothing (reliability A9): they hold neither a place nor a drain. */
import { once } from "node:events";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { requestText } from "../support/raw-client.ts";
import { clientKey, demoDocumentWith, eventually } from "../support/running-proxy.ts";
import { startServing } from "../support/serving-process.ts";
import { askFresh, flagsPath } from "../support/worker-processes.ts";

const requests = 150;
/** Together more than the buffers of a loopback connection hold. */
const document = demoDocumentWith({ banner_text: "x".repeat(100_000) });
const asked = requestText("GET /api/v1/flags/", [`X-Environment-Key: ${clientKey}`]).repeat(requests);

/** Disposing of it hangs up. */
async function openUnread(port: number, count: number): Promise<Disposable> {
  const sockets = Array.from({ length: count }, () => connect(port, "127.0.0.1").pause());
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  for (const socket of sockets) socket.on("error", () => undefined).write(asked);
  return {
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

it("20 such clients take all places for no longer than the limit", async () => {
  const config = { server: { write_timeout_seconds: 1, connections_max: 20 } };
  await using serving = await startServing({ document, config });
  using _crowd = await openUnread(serving.port, 20);
  await expect(askFresh(serving.port, flagsPath, { count: 1 })).rejects.toThrow();
  await eventually(async () => (await askFresh(serving.port, flagsPath, { count: 10 })).length === 10, 6000);
});

it("and hold a drain for no longer", async () => {
  const config = { server: { write_timeout_seconds: 1, drain_delay_seconds: 0, drain_timeout_seconds: 600 } };
  await using serving = await startServing({ document, config });
  using _crowd = await openUnread(serving.port, 5);
  serving.proxy.kill("SIGTERM");
  expect(await serving.proxy.exit).toEqual({ code: 0, signal: null });
});
