/**
 * Keep-alive clients that ask again and again, as those behind a balancer do. They must not retry: a request
 * that fails is counted.
 */
import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export interface ClientsOptions {
  readonly port: number;
  readonly clients: number;
  /** Sent with each request. */
  readonly key: string;
  /** Whether every other request is a POST, which balancers do not repeat once it was sent. */
  readonly posts?: boolean;
}

/** Clients at work. */
export interface KeepAliveClients {
  /** How many requests were answered 200 so far. */
  readonly answered: number;
  /** How many of those answers said that the connection is going to be closed. */
  readonly closings: number;
  /** How many connections they have opened so far: one each, where none was closed. */
  readonly connections: number;
  /** What went wrong, one entry for each request. */
  readonly lost: readonly string[];
  /**
   * From now on a client ends once it was told so often to hang up, before it would connect anew; at once
   * for 0. Resolves when all clients have ended.
   */
  endAfterClosings(count: number): Promise<void>;
}

interface ClientsState {
  answered: number;
  closings: number;
  connections: number;
  readonly lost: string[];
  /** Null: they go on. */
  closingsLeft: number | null;
}

/** Starts them; some ask without pause, others rest between requests for up to 40 ms. */
export function startClients(options: ClientsOptions): KeepAliveClients {
  const state: ClientsState = { answered: 0, closings: 0, connections: 0, lost: [], closingsLeft: null };
  const clients = Array.from({ length: options.clients }, (_, index) =>
    runClient(options, (index % 5) * 10, state),
  );
  const endAfterClosings = async (count: number): Promise<void> => {
    state.closingsLeft = count;
    await Promise.all(clients);
  };
  return Object.assign(state, { endAfterClosings });
}

async function runClient(
  { port, key, posts = false }: ClientsOptions,
  pauseMs: number,
  state: ClientsState,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let closings = 0;
  for (let asked = 0; state.closingsLeft === null || closings < state.closingsLeft; asked += 1) {
    const outcome = await askOnce(agent, port, key, posts && asked % 2 === 1, state);
    if (outcome === "ok" || outcome === "closing") state.answered += 1;
    else state.lost.push(outcome);
    if (outcome === "closing") state.closings += 1;
    if (outcome !== "ok" && state.closingsLeft !== null) closings += 1;
    await sleep(pauseMs);
  }
  agent.destroy();
}

/** No answer for so long is an answer lost. */
const patienceMs = 10_000;

const identity = '{"identifier":"bob"}';

/** `ok`, `closing` (ok and told to hang up), or what went wrong. */
function askOnce(
  agent: Agent,
  port: number,
  key: string,
  isPost: boolean,
  state: ClientsState,
): Promise<string> {
  return new Promise((resolve) => {
    const headers = { "x-environment-key": key };
    const asked = isPost
      ? {
          method: "POST",
          path: "/api/v1/identities/",
          headers: { ...headers, "content-length": identity.length },
        }
      : { method: "GET", path: "/api/v1/flags/", headers };
    const outgoing = request({ agent, port, host: "127.0.0.1", ...asked });
    outgoing.on("socket", () => {
      if (!outgoing.reusedSocket) state.connections += 1;
    });
    outgoing.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("error", (error) => resolve(`in the body: ${error.message}`));
      response.on("end", () => {
        if (response.statusCode !== 200) resolve(`${asked.method}: status ${response.statusCode}: ${text}`);
        else resolve(response.headers.connection === "close" ? "closing" : "ok");
      });
    });
    outgoing.on("error", (error: NodeJS.ErrnoException) => {
      const connection = outgoing.reusedSocket ? "kept" : "new";
      resolve(`${asked.method}: ${error.code ?? error.message}, ${connection} connection`);
    });
    outgoing.setTimeout(patienceMs, () => outgoing.destroy(new Error("no answer")));
    outgoing.end(isPost ? identity : undefined);
  });
}
