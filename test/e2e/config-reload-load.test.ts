/** Reloads while clients ask without pause: no request is lost, and no connection is closed. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { startClients } from "../support/keep-alive-clients.ts";
import { RawConnection, requestText } from "../support/raw-client.ts";
import { otherDocument, otherPair, startReloading } from "../support/reloading-proxy.ts";
import { clientKey, demoPair, eventually } from "../support/running-proxy.ts";

const clients = 12;
const reloads = 40;

/** Each differs from the one before in all that is live, secrets that clients ask with apart. */
function configAt(step: number, workers: number) {
  const isEven = step % 2 === 0;
  return {
    server: {
      host: "127.0.0.1",
      port: 0,
      drain_delay_seconds: 0,
      workers,
      allow_clients: isEven ? ["127.0.0.0/8"] : [],
      rate_limit: isEven ? { requests_per_second: 1_000_000, burst: 1_000_000 } : null,
    },
    environment_key_pairs: isEven ? [demoPair, otherPair] : [demoPair],
    allow_origins: isEven ? ["*"] : [`https://app-${step}.test`],
    api_poll_frequency_seconds: isEven ? 0.1 : 0.2,
    limits: { traits_max: 10 + step, turn_budget_ms: isEven ? 0 : 10_000 },
    health_check: { policy: isEven ? "any" : "all" },
  };
}

it.each([1, 2])(
  "with %i workers, forty reloads under load lose no request and close no connection",
  async (workers) => {
    await using running = await startReloading({ config: configAt(1, workers) });
    running.upstream.setDocument(otherPair.server_side_key, otherDocument);
    const atWork = startClients({ port: running.port, clients, key: clientKey });
    await eventually(() => atWork.answered > 10 * clients);
    for (let step = 2; step < reloads; step += 1) {
      const before = running.said().length;
      running.write(configAt(step, workers));
      running.proxy.kill("SIGHUP");
      await eventually(() => running.said().length > before);
      await sleep(step % 5);
    }
    const answered = atWork.answered;
    await eventually(() => atWork.answered > answered + 10 * clients);
    await atWork.endAfterClosings(0);
    expect(running.said().filter(({ level }) => level !== "info")).toEqual([]);
    expect(atWork.lost).toEqual([]);
    expect(atWork).toMatchObject({ closings: 0, connections: clients });
  },
  90_000,
);

it("a request that has begun is answered by the settings of its beginning", async () => {
  await using running = await startReloading();
  await using connection = await RawConnection.open(running.port);
  const head = [`X-Environment-Key: ${clientKey}`, "Content-Type: application/json"];
  const textFor = (identifier: string) =>
    requestText("POST /api/v1/identities/", head, JSON.stringify({ identifier }));
  const begun = textFor("longer than five");
  connection.send(begun.slice(0, -5));
  await running.hangup({ limits: { identifier_characters_max: 20 } });
  await running.hangup({ limits: { identifier_characters_max: 5 } });
  connection.send(begun.slice(-5));
  expect((await connection.response()).status).toBe(200);
  connection.send(textFor("also longer than five"));
  expect((await connection.response()).status).toBe(422);
});
