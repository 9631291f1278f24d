/** Client streams while the configuration is read again. */
import { expect, it } from "vitest";
import { otherDocument, otherPair, startReloading } from "../support/reloading-proxy.ts";
import { demoDocumentWith, demoPair, eventually, serverKey } from "../support/running-proxy.ts";
import { StreamClient } from "../support/stream-client.ts";

const pathOf = (key: string) => `/sse/environments/${key}/stream`;

it.each([1, 2])("with %i workers, streams of environments that stay go on, others end", async (workers) => {
  const server = { host: "127.0.0.1", port: 0, drain_delay_seconds: 0, workers };
  const configOf = (...pairs: object[]) => ({ server, environment_key_pairs: pairs });
  await using running = await startReloading({ config: configOf(demoPair, otherPair) });
  const { port, upstream } = running;
  upstream.setDocument(otherPair.server_side_key, otherDocument);
  await using staying = await StreamClient.open(port);
  await using rekeyed = await StreamClient.open(port, pathOf(otherPair.client_side_key));
  await eventually(() => staying.events.length === 1 && rekeyed.events.length === 1);
  // Another client key: the streams of the one before end, and with the new one there are others.
  await running.hangup(configOf(demoPair, { ...otherPair, client_side_key: "third_client_key" }));
  await eventually(() => rekeyed.isEnded);
  await using removed = await StreamClient.open(port, pathOf("third_client_key"));
  expect(removed.status).toBe(200);
  await running.hangup({ ...configOf(demoPair), allow_origins: ["https://page.test"] });
  await eventually(() => removed.isEnded);
  await using refused = await StreamClient.open(port, pathOf("third_client_key"));
  expect(refused.status).toBe(401);
  const updated_at = "2030-01-01T00:00:00.25Z";
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "after" }, { updated_at }));
  await eventually(() => staying.events.length === 2);
  expect(staying.events[1]).toBe("1893456000.25");
});
