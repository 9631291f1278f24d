/** C1: who was handed to a worker in the moment of its death is not left waiting (reliability 2.7). */
import { expect, it } from "vitest";
import { RawConnection } from "../support/raw-client.ts";
import { eventually } from "../support/running-proxy.ts";
import { flagsRequest, startWorkers, successorOf } from "../support/worker-processes.ts";

const clients = 8;

it("a connection that a killed worker had not taken is closed; all others are answered", async () => {
  await using running = await startWorkers();
  await using stack = new AsyncDisposableStack();
  const pids = running.pids();
  const [victim = 0] = pids;
  process.kill(victim, "SIGSTOP");
  const outcomes: (number | string)[] = [];
  const ask = async (connection: RawConnection): Promise<void> => {
    const { status } = await connection.send(flagsRequest()).response();
    outcomes.push(status);
  };
  for (let each = 0; each < clients; each += 1) {
    const connection = stack.use(await RawConnection.open(running.port));
    ask(connection).catch(({ message }: Error) => outcomes.push(message));
  }
  // One was handed to the victim; before its answer comes, it is handed no other.
  await eventually(() => outcomes.length === clients - 1);
  process.kill(victim, "SIGKILL");
  await successorOf(running, pids);
  expect(outcomes).toEqual([...Array(clients - 1).fill(200), "the connection ended after ''"]);
});
