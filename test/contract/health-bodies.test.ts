/** Contract A7, B 3.1: what health says of refreshes, on a clock that the test moves. */
import { describe, expect, it } from "vitest";
import {
  type HealthOptions,
  type HealthSource,
  reportHealth,
} from "../../src/services/health/health-report.ts";

const pollIntervalMs = 10_000;
const gracePeriodMs = 30_000;
const notUpdated = "environment document(s) not updated.";
const stale = "environment document(s) stale.";
const start = Date.UTC(2024, 3, 18, 8, 16, 20);

/** An environment whose last good refresh was at this monotonic time; null: none yet. */
function source(
  id: number | null,
  atMs: number | null,
  more: Partial<HealthSource["refresh"]> = {},
): HealthSource {
  const time = atMs === null ? null : new Date(start + atMs);
  return {
    environmentId: id,
    refresh: {
      state: atMs === null ? "waiting" : "fresh",
      reason: null,
      lastAttemptTime: time,
      lastSuccessTime: time,
      lastSuccessMonotonicMs: atMs,
      joinedMonotonicMs: null,
      consecutiveFailures: 0,
      pollIntervalMs: null,
      ...more,
    },
    controlPlaneHeardMs: null,
  };
}

interface Situation {
  readonly policy?: "all" | "any";
  readonly grace?: number | null;
  readonly draining?: boolean;
  readonly serving?: boolean;
  readonly wallMs?: number;
  readonly discovery?: HealthSource | null;
}

function report(nowMs: number, sources: readonly HealthSource[], situation: Situation = {}) {
  const {
    policy = "all",
    grace = gracePeriodMs,
    draining = false,
    serving = true,
    wallMs = nowMs,
    discovery = null,
  } = situation;
  const clock: HealthOptions["clock"] = {
    monotonicMs: () => nowMs,
    wallTime: () => new Date(start + wallMs),
    sleep: () => Promise.resolve(),
  };
  const settings = { gracePeriodMs: grace, policy };
  return reportHealth({
    settings,
    pollIntervalMs,
    clock,
    sources: () => sources,
    discovery: () => discovery,
    isServing: () => serving,
    isDraining: () => draining,
  });
}
const headOf = (...parameters: Parameters<typeof report>) => {
  const { status, reason } = report(...parameters);
  return [status, reason];
};

describe("the health body", () => {
  it("begins with status, reason and last_successful_update, as both other proxies answer", () => {
    const text = JSON.stringify(report(5000, [source(7, 0)]));
    expect(text).toMatch(
      /^\{"status":"ok","reason":null,"last_successful_update":"2024-04-18T08:16:20(\.0+)?Z",/,
    );
    expect(Object.keys(JSON.parse(text) as object)).toEqual([
      "status",
      "reason",
      "last_successful_update",
      "environments",
    ]);
  });

  it("says before the first document that documents are not updated", () => {
    const text = JSON.stringify(report(0, [source(null, null)]));
    const head = `{"status":"error","reason":"${notUpdated}","last_successful_update":null,`;
    expect(text.startsWith(head)).toBe(true);
  });

  it("has an entry each, with id, state, reason, times and failures, and no name or key", () => {
    const failing = {
      state: "failing",
      reason: "server_error",
      lastAttemptTime: new Date(start + 4000),
      consecutiveFailures: 3,
    } as const;
    const { environments } = report(5000, [source(7, 0, failing), source(null, null)]);
    expect(environments.map((each) => each.id)).toEqual([7, null]);
    expect(environments[0]).toMatchObject({
      id: 7,
      state: "failing",
      reason: "server_error",
      last_successful_update: "2024-04-18T08:16:20.000Z",
      last_attempt: "2024-04-18T08:16:24.000Z",
      consecutive_failures: 3,
    });
    expect(environments[1]).toMatchObject({ last_successful_update: null, consecutive_failures: 0 });
    expect(Object.keys(environments[0] ?? {}).toSorted()).toEqual([
      "consecutive_failures",
      "id",
      "last_attempt",
      "last_successful_update",
      "reason",
      "state",
    ]);
  });
});

describe("an environment that comes while all others are served", () => {
  const joined = (atMs: number) => source(null, null, { joinedMonotonicMs: atMs });

  it("makes the whole no less ready before it is as late as an old one", () => {
    const sources = [source(1, 95_000), joined(50_000)];
    expect(headOf(119_999, sources)).toEqual(["ok", null]);
    expect(headOf(120_001, sources)).toEqual(["error", stale]);
    const { environments, last_successful_update } = report(60_000, sources);
    expect(last_successful_update).toBe("2024-04-18T08:17:55.000Z");
    expect(environments[1]).toMatchObject({ id: null, state: "waiting", last_successful_update: null });
  });

  it("is not enough where one is", () => {
    expect(headOf(60_000, [joined(50_000)], { policy: "any" })).toEqual(["error", notUpdated]);
  });

  it("may be all that is left of them", () => {
    expect(report(60_000, [joined(50_000)])).toMatchObject({ status: "ok", last_successful_update: null });
  });
});

describe("an environment that nobody polls", () => {
  const stateOf = (nowMs: number, each: HealthSource) => {
    const [environment] = report(nowMs, [each], { grace: null }).environments;
    return [environment?.state, environment?.reason];
  };
  const heard = (each: HealthSource, atMs: number): HealthSource => ({ ...each, controlPlaneHeardMs: atMs });

  it("is not called fresh once the process that polls has been silent for five seconds", () => {
    expect(stateOf(7000, heard(source(1, 0), 2000))).toEqual(["fresh", null]);
    expect(stateOf(7001, heard(source(1, 0), 2000))).toEqual(["failing", "not_polled"]);
    expect(stateOf(7001, heard(source(null, null), 2000))).toEqual(["waiting", "not_polled"]);
    const failing = source(1, 0, { state: "failing", reason: "timeout" });
    expect(stateOf(7000, heard(failing, 2000))).toEqual(["failing", "timeout"]);
    expect(stateOf(7001, heard(failing, 2000))).toEqual(["failing", "not_polled"]);
  });

  it("is not called fresh two intervals and a minute after its last confirmation", () => {
    expect(stateOf(80_000, source(1, 0))).toEqual(["fresh", null]);
    expect(stateOf(80_001, source(1, 0))).toEqual(["failing", "not_polled"]);
  });

  it("leaves the whole as it is: that is for staleness to decide", () => {
    expect(headOf(80_001, [heard(source(1, 0), 0)], { grace: null })).toEqual(["ok", null]);
    expect(headOf(80_001, [heard(source(1, 0), 0)])).toEqual(["error", stale]);
    expect(report(80_001, [source(1, 0)]).environments[0]).toMatchObject({
      state: "stale",
      reason: "not_polled",
    });
  });
});

describe("staleness", () => {
  it.each([1, 2, 5])("is poll frequency plus grace times %i environments", (count) => {
    const sources = Array.from({ length: count }, (_, index) => source(index, 0));
    const limitMs = pollIntervalMs + gracePeriodMs * count;
    expect(headOf(limitMs, sources)).toEqual(["ok", null]);
    expect(headOf(limitMs + 1, sources)).toEqual(["error", stale]);
    expect(report(limitMs + 1, sources).environments.every(({ state }) => state === "stale")).toBe(true);
  });

  it("counts environments that have no document too", () => {
    const sources = [source(1, 0), source(null, null)];
    const { environments } = report(pollIntervalMs + 2 * gracePeriodMs, sources);
    expect(environments[0]?.state).toBe("fresh");
  });

  it("keeps the last successful time when it is stale", () => {
    expect(report(10_000_000, [source(1, 0)]).last_successful_update).toBe("2024-04-18T08:16:20.000Z");
  });

  it("never comes where the grace is null", () => {
    expect(headOf(1e12, [source(1, 0)], { grace: null })).toEqual(["ok", null]);
    expect(headOf(1e12, [source(1, 0)], { grace: null, policy: "any" })).toEqual(["ok", null]);
    expect(headOf(1e12, [source(1, null)], { grace: null })).toEqual(["error", notUpdated]);
  });

  it("comes one poll after the update where the grace is zero", () => {
    expect(headOf(pollIntervalMs, [source(1, 0)], { grace: 0 })).toEqual(["ok", null]);
    expect(headOf(pollIntervalMs + 1, [source(1, 0)], { grace: 0 })).toEqual(["error", stale]);
  });

  it.each([-1e10, -1000, 1e10])("does not move with the wall clock: a step of %i ms", (stepMs) => {
    expect(headOf(5000, [source(1, 0)], { wallMs: 5000 + stepMs })).toEqual(["ok", null]);
    expect(headOf(50_000, [source(1, 0)], { wallMs: 50_000 + stepMs })).toEqual(["error", stale]);
  });

  it("is not what a failing refresh is: held documents are served on", () => {
    const failing = { state: "failing", reason: "timeout", consecutiveFailures: 1 } as const;
    expect(headOf(20_000, [source(1, 0, failing)])).toEqual(["ok", null]);
  });
});

describe("health_check.policy all", () => {
  it("needs every environment", () => {
    expect(headOf(5000, [source(1, 0), source(2, 0)])).toEqual(["ok", null]);
    expect(headOf(5000, [source(1, 0), source(null, null)])).toEqual(["error", notUpdated]);
    expect(headOf(71_000, [source(1, 70_000), source(2, 0)])).toEqual(["error", stale]);
  });

  it("dates the whole by its oldest environment", () => {
    const { last_successful_update } = report(5000, [source(1, 4000), source(2, 1000), source(3, 3000)]);
    expect(last_successful_update).toBe("2024-04-18T08:16:21.000Z");
  });

  it("has updated nothing while one is missing", () => {
    expect(report(5000, [source(1, 4000), source(null, null)]).last_successful_update).toBeNull();
  });
});

describe("health_check.policy any", () => {
  const policy = "any";

  it("needs one fresh environment", () => {
    expect(headOf(5000, [source(1, 0), source(null, null)], { policy })).toEqual(["ok", null]);
    expect(headOf(71_000, [source(1, 70_000), source(2, 0)], { policy })).toEqual(["ok", null]);
    expect(headOf(200_000, [source(1, 70_000), source(2, 0)], { policy })).toEqual(["error", stale]);
    expect(headOf(5000, [source(1, null), source(2, null)], { policy })).toEqual(["error", notUpdated]);
    expect(headOf(200_000, [source(1, 0), source(2, null)], { policy })).toEqual(["error", stale]);
  });
});

describe("a drain", () => {
  it("makes health an error at once, whatever the documents are", () => {
    for (const policy of ["all", "any"] as const) {
      const { status, reason, last_successful_update } = report(0, [source(1, 0)], {
        policy,
        draining: true,
      });
      expect(status).toBe("error");
      expect(reason).toBeTypeOf("string");
      expect(last_successful_update).toBe("2024-04-18T08:16:20.000Z");
      expect(headOf(1e9, [source(1, 0)], { policy, draining: true })[0]).toBe("error");
      expect(headOf(0, [source(1, 0)], { policy, serving: false })).toEqual([
        "error",
        "no process answers requests.",
      ]);
    }
  });
});

describe("an environment that is polled more seldom", () => {
  const seldom = { pollIntervalMs: 60_000 };

  it("is stale by the interval that its last success named, others by theirs", () => {
    const sources = [source(1, 0, seldom), source(2, 0)];
    const limitMs = 60_000 + 2 * gracePeriodMs;
    const statesAt = (nowMs: number) => report(nowMs, sources).environments.map(({ state }) => state);
    expect(statesAt(pollIntervalMs + 2 * gracePeriodMs + 1)).toEqual(["fresh", "stale"]);
    expect(statesAt(limitMs)).toEqual(["fresh", "stale"]);
    expect(statesAt(limitMs + 1)).toEqual(["stale", "stale"]);
    expect(headOf(limitMs, [source(1, 0, seldom)], { grace: 0 })).toEqual(["error", stale]);
  });

  it("counts as polled for two of its own intervals and a minute", () => {
    const reasonAt = (nowMs: number, more: object) =>
      report(nowMs, [source(1, 0, more)], { grace: null }).environments[0]?.reason;
    expect(reasonAt(180_000, seldom)).toBe(null);
    expect(reasonAt(180_001, seldom)).toBe("not_polled");
    expect(reasonAt(80_001, {})).toBe("not_polled");
  });
});

describe("with a discovery of environments", () => {
  const failing = { state: "failing", reason: "server_error", consecutiveFailures: 3 } as const;

  it("the body ends with how it goes, without an id", () => {
    const text = JSON.stringify(report(5000, [source(7, 0)], { discovery: source(null, 0, failing) }));
    const entry =
      '{"state":"failing","reason":"server_error","last_successful_update":"2024-04-18T08:16:20.000Z",' +
      '"last_attempt":"2024-04-18T08:16:20.000Z","consecutive_failures":3}';
    expect(text.endsWith(`}],"discovery":${entry}}`)).toBe(true);
  });

  it("the whole is as old as the last list, however fresh the documents are", () => {
    const { last_successful_update: time } = report(9000, [source(7, 9000)], {
      discovery: source(null, 1000),
    });
    expect(time).toBe(new Date(start + 1000).toISOString());
  });

  it.each([
    ["no list came yet", 0, [source(7, 0)], source(null, null), ["error", notUpdated]],
    ["a document is missing", 0, [source(null, null)], source(null, 0), ["error", notUpdated]],
    ["the list is as old as it may be", 40_000, [source(7, 40_000)], source(null, 0), ["ok", null]],
    ["the list is older", 40_001, [source(7, 40_001)], source(null, 0), ["error", stale]],
    [
      "the list is old, of two environments",
      70_000,
      [source(7, 70_000), source(8, 70_000)],
      source(null, 0),
      ["ok", null],
    ],
    ["the list is empty", 40_000, [], source(null, 0), ["ok", null]],
    ["the list is empty, and old", 40_001, [], source(null, 0), ["error", stale]],
  ] as const)("all must be fresh: %s", (_, nowMs, sources, discovery, expected) => {
    expect(headOf(nowMs, sources, { discovery })).toEqual(expected);
  });

  it("a list that is old shows as stale, and as not polled where nobody is heard", () => {
    const situation = { discovery: { ...source(null, 0), controlPlaneHeardMs: 0 } };
    expect(report(40_001, [source(7, 40_001)], situation).discovery).toMatchObject({
      state: "stale",
      reason: "not_polled",
    });
  });

  it("with the policy any, one fresh environment is enough", () => {
    const situation = { policy: "any", discovery: source(null, null) } as const;
    expect(headOf(100_000, [source(7, 100_000), source(8, 0)], situation)).toEqual(["ok", null]);
    expect(headOf(0, [], { ...situation, discovery: source(null, 0) })).toEqual(["error", notUpdated]);
  });
});
