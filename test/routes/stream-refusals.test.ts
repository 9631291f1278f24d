/** Who is refused a stream waits for the answer: some SDKs ask again at once (contract B 1.8). */
import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, it } from "vitest";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { createTestApp } from "../support/test-app.ts";

/** Asks as a socket does. @returns what is written, as it comes */
async function askDirectly(clock: FakeClock, path: string, socket: object | null = {}) {
  const { app } = await createTestApp({ environments: [], clock });
  const statuses: number[] = [];
  const outgoing = {
    socket,
    writeHead(status: number) {
      statuses.push(status);
      return { end: () => undefined };
    },
  } as unknown as ServerResponse;
  const incoming = { method: "GET", url: path, headers: {} } as unknown as IncomingMessage;
  const request = { method: "GET", url: `http://localhost${path}` } as Request;
  void app.fetch(request, { incoming, outgoing, isDirect: true });
  await settle();
  return statuses;
}

it("an unknown key is answered after a second", async () => {
  const clock = new FakeClock();
  const statuses = await askDirectly(clock, "/sse/environments/nobody/stream");
  await clock.advance(999);
  expect(statuses).toEqual([]);
  await clock.advance(1);
  expect(statuses).toEqual([401]);
});

it("a route that is no stream's answers at once", async () => {
  expect(await askDirectly(new FakeClock(), "/api/v1/flags")).toEqual([401]);
});

it("one sent before the answer to another does not wait: there could be any number", async () => {
  expect(await askDirectly(new FakeClock(), "/sse/environments/nobody/stream", null)).toEqual([401]);
});
