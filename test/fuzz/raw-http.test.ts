/**
 * Reliability G1: random bytes on real sockets, around the list of malformed requests. Whatever a client
 * sends, it gets a lawful answer or a closed connection, and the next client gets its flags.
 */
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { fuzzRuns, fuzzTimeoutMs } from "../support/fuzz-runs.ts";
import { type FuzzedConversation, fuzzedBodyBytesMax, fuzzedConversation } from "../support/http-grammar.ts";
import { ask, RawConnection, type RawResponse, requestText } from "../support/raw-client.ts";
import { clientKey, serverKey, startProxy } from "../support/running-proxy.ts";

/** Short time limits, so that a connection on which nothing comes is closed within seconds. */
const proxy = await startProxy({
  config: {
    api_poll_frequency_seconds: 3600,
    server: { timeout_keep_alive: 1, headers_timeout_seconds: 3, request_timeout_seconds: 3 },
    limits: { turn_budget_ms: 10_000, body_bytes_max: fuzzedBodyBytesMax },
  },
});
afterAll(() => proxy[Symbol.asyncDispose]());

const lawful = [100, 200, 204, 304, 400, 401, 404, 405, 408, 413, 415, 417, 422, 431];
const patienceMs = 10_000;
/** So many clients at a time, each with a seed of its own. */
const lanes = 20;
const good = requestText("GET /api/v1/flags/", [`X-Environment-Key: ${clientKey}`]);
const goodBody = (await ask(proxy.port, good)).body;
const prototypeNames = Object.getOwnPropertyNames(Object.prototype).sort();
/** So long the server needs to take what was sent before: a turn is too short, it has yet to accept. */
const pauseMs = 3;

/** Sends all and ends as told. @throws where the server does not close the connection */
async function converse({ bytes, pauses, ending }: FuzzedConversation): Promise<RawConnection> {
  const connection = await RawConnection.open(proxy.port, patienceMs);
  let sent = 0;
  for (const pause of [...pauses, bytes.length]) {
    connection.send(bytes.slice(sent, pause));
    sent = pause;
    if (sent < bytes.length) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  if (ending === "end") connection.end();
  if (ending === "reset") connection.reset();
  await connection.closed();
  return connection;
}

/** All that was answered, whole. @throws where there is something else behind it */
async function answersOf(connection: RawConnection, heads: readonly boolean[]): Promise<RawResponse[]> {
  const answers: RawResponse[] = [];
  while (connection.unread !== "") {
    answers.push(await connection.response({ isHead: heads[answers.length] ?? false }));
  }
  return answers;
}

/** What holds for each answer, whatever was asked. */
function checkAnswer({ status, headers, body }: RawResponse, bytes: string): void {
  expect(lawful).toContain(status);
  if (status >= 400 && body !== "") {
    expect(headers.get("content-type")).toMatch(/^application\/json/);
    expect(JSON.parse(body)).toMatchObject({ status: expect.any(String), message: expect.any(String) });
  }
  // Nobody sees flags who has not sent a key.
  if (/"feature_state_value"/.test(body))
    expect(bytes.includes(clientKey) || bytes.includes(serverKey)).toBe(true);
  if (/"identity_overrides"/.test(body)) expect(bytes).toContain(serverKey);
}

/** Each request has its own answer, in order, up to one at which the server may close. */
function checkPlain(plain: NonNullable<FuzzedConversation["plain"]>, statuses: readonly number[]): void {
  const expected = plain.map(({ status }) => status);
  const closing = plain.findIndex(({ mayClose }) => mayClose);
  const answersMin = closing < 0 ? expected.length : closing;
  expect(statuses).toEqual(expected.slice(0, Math.max(answersMin, statuses.length)));
}

async function check(conversation: FuzzedConversation): Promise<void> {
  const { bytes, plain, ending } = conversation;
  await using connection = await converse(conversation);
  if (ending === "reset") return;
  if (plain === null && bytes.includes("HEAD")) {
    // Where a body ends cannot be told without knowing which request was taken for a HEAD.
    for (const [, status] of connection.unread.matchAll(/HTTP\/1\.1 (\d+) /g)) {
      expect(lawful).toContain(Number(status));
    }
    return;
  }
  const answers = await answersOf(connection, plain?.map(({ text }) => text.startsWith("HEAD")) ?? []);
  for (const answer of answers) checkAnswer(answer, bytes);
  if (plain !== null)
    checkPlain(
      plain,
      answers.map(({ status }) => status),
    );
}

async function expectUnharmed(): Promise<void> {
  expect(await ask(proxy.port, good)).toMatchObject({ status: 200, body: goodBody });
  expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(prototypeNames);
}

it.each(fuzzRuns(5000, lanes))(
  "E whatever is sent is answered lawfully or refused, and harms nobody (seed $seed)",
  async ({ seed, numRuns }) => {
    const property = fc.asyncProperty(fuzzedConversation, async (conversation) => {
      await check(conversation);
      await expectUnharmed();
    });
    const running = Array.from({ length: lanes }, (_, lane) =>
      fc.assert(property, { seed: seed + lane, numRuns }),
    );
    await Promise.all(running);
    // Lanes share the log, so that a line names no conversation: it is looked at behind them all.
    expect(proxy.lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  },
  fuzzTimeoutMs(),
);
