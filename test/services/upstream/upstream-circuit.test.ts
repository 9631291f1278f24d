/** The circuit breaker on a clock of its own. */
import { afterEach, expect, test, vi } from "vitest";
import { UpstreamError, type UpstreamErrorCode } from "../../../src/models/errors.ts";
import { UpstreamCircuit } from "../../../src/services/upstream/upstream-circuit.ts";

afterEach(() => {
  vi.useRealTimers();
});

function startCircuit() {
  let nowMs = 1000;
  const circuit = new UpstreamCircuit(
    { breakerFailuresMax: 3, breakerProbeIntervalMs: 5000 },
    { monotonicMs: () => nowMs },
  );
  let sent = 0;
  const codeOf = (error: unknown) => (error instanceof UpstreamError ? error.code : String(error));
  return {
    advance: (ms: number) => {
      nowMs += ms;
    },
    sent: () => sent,
    /** What came of one request that fails with this code, or succeeds. */
    send: (code: UpstreamErrorCode | null) =>
      circuit
        .run(async () => {
          sent += 1;
          if (code !== null) throw new UpstreamError(code, "planned");
          return "answer";
        })
        .catch(codeOf),
    run: <T>(send: () => Promise<T>, signal?: AbortSignal) => circuit.run(send, signal).catch(codeOf),
  };
}

test("so many failures in a row open it, and then nothing is sent until a probe is due", async () => {
  const circuit = startCircuit();
  for (let i = 0; i < 3; i += 1) expect(await circuit.send("unreachable")).toBe("unreachable");
  expect(await circuit.send(null)).toBe("circuit_open");
  circuit.advance(4999);
  expect(await circuit.send(null)).toBe("circuit_open");
  expect(circuit.sent()).toBe(3);
  circuit.advance(1);
  expect(await circuit.send(null)).toBe("answer");
  expect(await circuit.send(null)).toBe("answer");
});

test("a probe that fails keeps it open for one more interval", async () => {
  const circuit = startCircuit();
  for (let i = 0; i < 3; i += 1) await circuit.send("unreachable");
  circuit.advance(5000);
  expect(await circuit.send("unreachable")).toBe("unreachable");
  expect(await circuit.send(null)).toBe("circuit_open");
  circuit.advance(5000);
  expect(await circuit.send(null)).toBe("answer");
});

test("one probe runs at a time, and the others are refused at once", async () => {
  const circuit = startCircuit();
  for (let i = 0; i < 3; i += 1) await circuit.send("unreachable");
  circuit.advance(5000);
  const probe = Promise.withResolvers<string>();
  const probing = circuit.run(() => probe.promise);
  expect(await circuit.send(null)).toBe("circuit_open");
  probe.resolve("probed");
  expect(await probing).toBe("probed");
  expect(await circuit.send(null)).toBe("answer");
});

test.each([
  "key_rejected",
  "document_invalid",
  "not_json",
  "too_large",
  "timeout",
  "connection_lost",
  "server_error",
  "rate_limited",
] as const)(
  "%s speaks of one environment: it neither opens the circuit nor counts as silence",
  async (code) => {
    const circuit = startCircuit();
    for (let i = 0; i < 5; i += 1) expect(await circuit.send(code)).toBe(code);
    for (const each of ["unreachable", "unreachable", code, "unreachable", "unreachable"] as const)
      await circuit.send(each);
    expect(await circuit.send(null)).toBe("answer");
  },
);

test("a key rejected by a probe closes it: the upstream answers", async () => {
  const circuit = startCircuit();
  for (let i = 0; i < 3; i += 1) await circuit.send("unreachable");
  circuit.advance(5000);
  expect(await circuit.send("key_rejected")).toBe("key_rejected");
  expect(await circuit.send(null)).toBe("answer");
});

test("a probe that its caller ends leaves it open; elsewhere such a request does not count", async () => {
  const circuit = startCircuit();
  const ended = AbortSignal.abort(new Error("ended"));
  const endedSend = async () => {
    throw new Error("ended");
  };
  for (let i = 0; i < 5; i += 1) await circuit.run(endedSend, ended);
  expect(await circuit.send(null)).toBe("answer");
  for (let i = 0; i < 3; i += 1) await circuit.send("unreachable");
  circuit.advance(5000);
  await circuit.run(endedSend, ended);
  expect(await circuit.send(null)).toBe("circuit_open");
});

test("a step of the wall clock neither holds it open nor closes it", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const circuit = startCircuit();
  for (let i = 0; i < 3; i += 1) await circuit.send("unreachable");
  vi.setSystemTime(Date.now() + 3_600_000);
  expect(await circuit.send(null)).toBe("circuit_open");
  vi.setSystemTime(Date.now() - 10 * 365 * 86_400_000);
  circuit.advance(5000);
  expect(await circuit.send(null)).toBe("answer");
});
