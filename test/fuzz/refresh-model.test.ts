/**
 * Reliability G4: random histories of an upstream, a disk, clocks and restarts, on a fake clock. After each
 * step what is served, what health says and what the archive holds is as a small model has it.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { UpstreamError, type UpstreamErrorCode } from "../../src/models/errors.ts";
import type { DocumentStore } from "../../src/services/persistence/document-store.ts";
import { ask } from "../support/contract-requests.ts";
import { type ControlRig, fetchedOf, rigPoll, startControlRig } from "../support/control-rig.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";
import { fuzzRuns, fuzzTimeoutMs } from "../support/fuzz-runs.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { notModified } from "../support/poller-rig.ts";
import { modelDocument, RefreshModel } from "../support/refresh-model.ts";

const gracePeriodMs = 30_000;
const { intervalMs } = rigPoll;

/** A disk that may be full; it outlives the processes. */
class Disk {
  readonly #store = new MemoryStore();
  writesLeft = Number.POSITIVE_INFINITY;

  readonly #limited = async (write: () => Promise<void>): Promise<void> => {
    if (this.writesLeft <= 0) throw new Error("no space left");
    this.writesLeft -= 1;
    await write();
  };

  readonly store: DocumentStore = {
    ...this.#store,
    put: (key: string, value: Uint8Array) => this.#limited(() => this.#store.put(key, value)),
    del: (key: string) => this.#limited(() => this.#store.del(key)),
    clear: (range) => this.#limited(() => this.#store.clear(range)),
  };
}

class World implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly disk = new Disk();
  rig = this.#start();

  #start(): ControlRig {
    return startControlRig({ clock: this.clock, gracePeriodMs, store: this.disk.store });
  }

  /** Resolves when the poller asks; it asks within a poll and a second of its last answer. */
  async nextFetch() {
    const startMs = this.clock.monotonicMs();
    await this.settled();
    while (this.rig.fetches.length === 0) {
      expect(this.clock.monotonicMs() - startMs).toBeLessThanOrEqual(intervalMs + 1000);
      await this.clock.advance(100);
    }
    return this.rig.fetches[0]!;
  }

  /** Resolves when the refresh ended, and the disk has what it takes of it. */
  async refreshed(act: () => void): Promise<void> {
    const before = this.rig.status();
    this.rig.fetches.length = 0;
    act();
    while (this.rig.status() === before) await new Promise((resolve) => setImmediate(resolve));
    await this.settled();
  }

  async settled(): Promise<void> {
    await settle();
    await this.rig.archived();
    await settle();
  }

  /** Another process over the same disk; resolves when it asks the upstream. */
  async restart(): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
    this.rig = this.#start();
    while (this.rig.fetches.length === 0) await new Promise((resolve) => setImmediate(resolve));
  }

  async served(): Promise<string | null> {
    const { status, text } = await ask(this.rig.app, "/api/v1/environment-document/", { key: "ser.A" });
    return status === 503 ? null : text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
  }
}

function healthOf({ state, reason, failures, lastSuccessMs }: RefreshModel, nowMs: number) {
  const ageMs = lastSuccessMs === null ? null : nowMs - lastSuccessMs;
  const isStale = ageMs !== null && ageMs > intervalMs + gracePeriodMs;
  const isSilent = state === "fresh" && ageMs !== null && ageMs > 2 * intervalMs + 60_000;
  const isBegun = state === "fresh" || state === "failing";
  return {
    status: ageMs === null || isStale ? "error" : "ok",
    reason:
      ageMs === null ? expect.stringContaining("updated") : isStale ? expect.stringContaining("stale") : null,
    environments: [
      {
        state: isStale && isBegun ? "stale" : state,
        reason: isSilent ? "not_polled" : reason,
        consecutive_failures: failures,
      },
    ],
  };
}

async function check(model: RefreshModel, { clock, rig }: World): Promise<void> {
  expect(rig.fetches.length).toBeLessThanOrEqual(1);
  expect(rig.health()).toMatchObject(healthOf(model, clock.monotonicMs()));
  expect(rig.lines.filter(({ level }) => level === "error")).toEqual([]);
}

type Step = (model: RefreshModel, world: World) => Promise<void>;

/** A command that may always be run, and behind which all is compared. */
class Command implements fc.AsyncCommand<RefreshModel, World> {
  readonly #name: string;
  readonly #step: Step;

  constructor(name: string, step: Step) {
    this.#name = name;
    this.#step = step;
  }

  check = () => true;
  toString = () => this.#name;

  async run(model: RefreshModel, world: World): Promise<void> {
    await this.#step(model, world);
    await world.settled();
    await check(model, world);
    expect(await world.served()).toBe(model.served?.text ?? null);
  }
}

const kind = fc.constantFrom<Parameters<typeof modelDocument>[0]>(
  "good",
  "good",
  "good",
  "other",
  "shrunk",
  "invalid",
);
const sends = fc.tuple(kind, fc.nat(2)).map(
  ([what, version]) =>
    new Command(`sends ${what} ${version}`, async (model, world) => {
      const { request, answer } = await world.nextFetch();
      expect([null, model.knownDate]).toContain(request.ifModifiedSince);
      const document = modelDocument(what, version);
      await world.refreshed(() => answer(fetchedOf(document.text, document.lastModified)));
      model.took(document, world.clock.monotonicMs());
    }),
);
const unmodified = fc.constant(
  new Command("answers 304", async (model, world) => {
    const { request, answer } = await world.nextFetch();
    expect([null, model.knownDate]).toContain(request.ifModifiedSince);
    await world.refreshed(() => answer(notModified));
    model.unmodified(request.ifModifiedSince !== null, world.clock.monotonicMs());
  }),
);
const fails = fc
  .constantFrom<UpstreamErrorCode>("unreachable", "timeout", "key_rejected", "server_error", "too_large")
  .map(
    (code) =>
      new Command(`fails by ${code}`, async (model, world) => {
        const { fail } = await world.nextFetch();
        await world.refreshed(() => fail(new UpstreamError(code, "planned")));
        model.failed(code);
      }),
  );
const passes = fc
  .constantFrom(1, 5000, 10_000, 40_000, 40_001, 100_000)
  .map((ms) => new Command(`${ms} ms pass`, (_, { clock }) => clock.advance(ms)));
const steps = fc
  .integer({ min: -86_400_000, max: 86_400_000 })
  .map((ms) => new Command(`the wall clock steps ${ms} ms`, async (_, { clock }) => clock.stepWall(ms)));
const storage = fc.constantFrom(0, 1, 2, 3, Number.POSITIVE_INFINITY).map(
  (writes) =>
    new Command(`${writes} more writes`, async (model, { disk }) => {
      disk.writesLeft = writes;
      model.storageWorks = writes === Number.POSITIVE_INFINITY;
    }),
);
const restarts = fc.constant(
  new Command("restarts", async (model, world) => {
    await world.restart();
    const text = await world.served();
    const candidates = [model.kept, ...model.maybeKept].filter((each) => each !== null);
    const restored = candidates.find((each) => each.text === text) ?? null;
    // What was archived whole is there, or something newer that was served; never anything else.
    if (model.kept !== null || text !== null) expect(candidates.map((each) => each.text)).toContain(text);
    const { lastSuccessMonotonicMs } = world.rig.status();
    expect(lastSuccessMonotonicMs ?? Number.NEGATIVE_INFINITY).toBeLessThanOrEqual(world.clock.monotonicMs());
    model.restarted(restored, lastSuccessMonotonicMs);
  }),
);

it.each(fuzzRuns(300))(
  "C whatever happens, the newest accepted document is served, and health tells how old it is (seed $seed)",
  async ({ seed, numRuns }) => {
    const all = [sends, sends, sends, unmodified, fails, passes, steps, storage, restarts];
    const property = fc.asyncProperty(
      fc.commands(all, { maxCommands: 25, size: "max" }),
      async (commands) => {
        await using world = new World();
        await fc.asyncModelRun(() => ({ model: new RefreshModel(), real: world }), commands);
      },
    );
    await fc.assert(property, { seed, numRuns });
  },
  fuzzTimeoutMs(),
);
