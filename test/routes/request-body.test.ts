/** A body that comes in very many pieces leaves time for others, and is whole. */
import { Readable } from "node:stream";
import { expect, it } from "vitest";
import type { AppContext } from "../../src/routes/http-context.ts";
import { withBody } from "../../src/routes/request-body.ts";

/** A request whose whole body has come, byte by byte. */
function requestOf(body: string): Readable & { headers: object; complete: boolean } {
  const incoming = new Readable({ read: () => undefined });
  for (const each of body) incoming.push(each);
  incoming.push(null);
  return Object.assign(incoming, { headers: { "transfer-encoding": "chunked" }, complete: true });
}

/** How many turns of the event loop it takes, and what was read. */
async function read(body: string) {
  let turns = 0;
  let isRead = false;
  const count = () => {
    turns += 1;
    if (!isRead) setImmediate(count);
  };
  setImmediate(count);
  const context = { env: { incoming: requestOf(body) } } as unknown as AppContext;
  let found = "";
  await withBody(context, 262_144, (bytes) => {
    found = String(bytes);
    return new Response(null);
  });
  isRead = true;
  return { turns, found };
}

it("ten thousand pieces are read in several turns of the event loop", async () => {
  const body = "0123456789".repeat(1000);
  const few = await read("0123456789");
  const many = await read(body);
  expect(few.found).toBe("0123456789");
  expect(many.found).toBe(body);
  expect(many.turns - few.turns).toBeGreaterThanOrEqual(8);
});
