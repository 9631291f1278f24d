/**
 * A document that is refused: what is served stays; the same bytes are not read again and, where they have a
 * date, not even sent.
 */
import { expect, test } from "vitest";
import { UpstreamError, type UpstreamErrorCode } from "../../../src/models/errors.ts";
import { documentOf, failing, type PollerRig, serving, startRig } from "../../support/poller-rig.ts";

const firstDate = "Thu, 18 Apr 2024 09:36:20 GMT";
const secondDate = "Fri, 19 Apr 2024 09:36:20 GMT";
const good = documentOf("good", { lastModified: firstDate });
const bad = documentOf("bad", { lastModified: secondDate });
const undated = documentOf("bad", { lastModified: null });

/** Whatever is named good is served. */
function refuseBad(rig: PollerRig, code: UpstreamErrorCode = "document_invalid"): void {
  rig.publish = async ({ digest }) =>
    digest === good.digest
      ? { updatedAt: null }
      : { refusal: new UpstreamError(code, `planned refusal ${rig.published.length}`) };
}

const conditions = ({ requests }: PollerRig) => requests.map(({ ifModifiedSince }) => ifModifiedSince);

test("with a document held, a refused one is asked about by its date, and stays refused by 304", async () => {
  await using rig = startRig();
  refuseBad(rig);
  rig.upstream = serving(good);
  await rig.clock.advance(0);
  rig.upstream = serving(bad);
  await rig.clock.advance(40_000);
  expect(conditions(rig)).toEqual([null, firstDate, secondDate, secondDate, secondDate]);
  expect(rig.published).toEqual([good, bad]);
  expect(rig.poller.status).toMatchObject({
    state: "failing",
    reason: "document_invalid",
    consecutiveFailures: 4,
    lastSuccessMonotonicMs: 0,
  });
  expect(rig.logs).toHaveLength(1);
  rig.upstream = serving(documentOf("good", { lastModified: null }));
  await rig.clock.advance(10_000);
  expect(rig.poller.status).toMatchObject({ state: "fresh", reason: null });
  expect(rig.published).toHaveLength(2);
});

test("without a date the same bytes come again, and are not read again", async () => {
  await using rig = startRig();
  refuseBad(rig, "not_json");
  rig.upstream = serving(good);
  await rig.clock.advance(0);
  rig.upstream = () => undated;
  await rig.clock.advance(30_000);
  expect(conditions(rig)).toEqual([null, firstDate, null, null]);
  expect(rig.published).toEqual([good, undated]);
  expect(rig.poller.status).toMatchObject({ reason: "not_json", consecutiveFailures: 3 });
});

test("without a document held, a refused one is asked about less and less often", async () => {
  await using rig = startRig();
  refuseBad(rig);
  rig.upstream = () => undated;
  await rig.clock.advance(60_000);
  expect(rig.clock.waits.slice(0, 9)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
  expect(rig.published).toHaveLength(1);
  rig.upstream = serving(good);
  await rig.clock.advance(10_000);
  expect(rig.poller.status.state).toBe("fresh");
});

test("one that this host cannot read is asked about at that pace too, and tried each time", async () => {
  for (const code of ["too_large", "reader_failed"] as const) {
    await using rig = startRig();
    rig.upstream = serving(bad);
    rig.publish = async () => {
      throw new UpstreamError(code, "planned");
    };
    await rig.clock.advance(30_000);
    expect(rig.clock.waits.slice(6, 9)).toEqual([6400, 10_000, 10_000]);
    expect(rig.published).toHaveLength(rig.requests.length);
    expect(new Set(conditions(rig))).toEqual(new Set([null]));
  }
});

test("the unconditional poll comes in turn, and after other failures, and reads nothing twice", async () => {
  await using rig = startRig({ settings: { unconditionalEveryPolls: 3 } });
  refuseBad(rig);
  rig.upstream = serving(good);
  await rig.clock.advance(0);
  rig.upstream = serving(bad);
  await rig.clock.advance(50_000);
  expect(conditions(rig)).toEqual([null, firstDate, secondDate, null, secondDate, secondDate]);
  rig.upstream = failing("server_error");
  await rig.clock.advance(10_000);
  rig.upstream = serving(bad);
  await rig.clock.advance(20_000);
  expect(conditions(rig).slice(6)).toEqual([null, null, secondDate]);
  expect(rig.published).toEqual([good, bad]);
  expect(rig.poller.status.reason).toBe("document_invalid");
});

test("one that changed in the second of its fetch is asked for whatever its date", async () => {
  await using rig = startRig();
  refuseBad(rig);
  rig.upstream = serving({ ...bad, recentlyChanged: true });
  await rig.clock.advance(1000);
  expect(new Set(conditions(rig))).toEqual(new Set([null]));
});

test("the bytes that are held are not read again, whatever their date", async () => {
  await using rig = startRig();
  refuseBad(rig);
  rig.upstream = () => documentOf("good", { lastModified: null });
  await rig.clock.advance(30_000);
  expect(rig.requests).toHaveLength(4);
  expect(rig.published).toHaveLength(1);
  expect(rig.poller.status).toMatchObject({ state: "fresh", lastSuccessMonotonicMs: 30_000 });
});

test("a poller that is disposed of ends the reading, and records nothing", async () => {
  const rig = startRig();
  rig.publish = (_, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  await rig.clock.advance(0);
  await rig.poller[Symbol.asyncDispose]();
  expect(rig.poller.status.state).toBe("waiting");
  expect(rig.logs).toEqual([]);
});
