/** What the poller asks the upstream for, and what it does with the same answer twice. */
import { expect, test } from "vitest";
import { UpstreamError } from "../../../src/models/errors.ts";
import { settle } from "../../support/fake-clock.ts";
import { fetchedText } from "../../support/packed-text.ts";
import {
  documentOf,
  failing,
  lastModified,
  notModified,
  serving,
  startRig,
} from "../../support/poller-rig.ts";

const conditions = (requests: readonly { ifModifiedSince: string | null }[]) =>
  requests.map(({ ifModifiedSince }) => ifModifiedSince);

test.each([
  [
    "any failure",
    async (rig: ReturnType<typeof startRig>) => {
      rig.upstream = failing("server_error");
    },
  ],
  [
    "a document that cannot be published",
    async (rig: ReturnType<typeof startRig>) => {
      rig.upstream = () => documentOf("bad");
      rig.publish = () => Promise.reject(new UpstreamError("document_invalid", "bad"));
    },
  ],
  [
    "a document changed just now",
    async (rig: ReturnType<typeof startRig>) => {
      rig.upstream = () => documentOf("new", { recentlyChanged: true });
    },
  ],
  [
    "a document without any date",
    async (rig: ReturnType<typeof startRig>) => {
      rig.upstream = () => documentOf("new", { lastModified: null });
    },
  ],
])("after %s the next request is unconditional", async (_name, spoil) => {
  await using rig = startRig();
  await rig.clock.advance(0);
  await spoil(rig);
  await rig.clock.advance(10_000);
  rig.upstream = () => documentOf("{}");
  rig.publish = async () => ({ updatedAt: null });
  await rig.clock.advance(20_000);
  expect(conditions(rig.requests)).toEqual([null, lastModified, null, lastModified]);
});

test("every so many polls the document is fetched whatever its date, and published if new", async () => {
  await using rig = startRig({ settings: { unconditionalEveryPolls: 3 } });
  await rig.clock.advance(60_000);
  expect(conditions(rig.requests).map((each) => each === null)).toEqual([
    true,
    false,
    false,
    true,
    false,
    false,
    true,
  ]);
  expect(rig.published).toHaveLength(1);
  rig.upstream = serving(documentOf('{"changed":1}'));
  await rig.clock.advance(30_000);
  expect(rig.published.map(fetchedText)).toEqual(["{}", '{"changed":1}']);
});

test("where the upstream sends no date, the document's own stands in, unless it is recent", async () => {
  await using rig = startRig();
  rig.upstream = () => documentOf("{}", { lastModified: null });
  rig.publish = async () => ({ updatedAt: new Date(rig.clock.wallTime().getTime() - 1500) });
  await rig.clock.advance(20_000);
  expect(conditions(rig.requests)).toEqual([null, null, "Wed, 31 Dec 2025 23:59:58 GMT"]);
});

test("a refresh that is asked for runs at once; those asked for meanwhile share the next", async () => {
  await using rig = startRig();
  await rig.clock.advance(0);
  const gate = Promise.withResolvers<void>();
  let running = 0;
  rig.upstream = async ({ ifModifiedSince }) => {
    running += 1;
    expect(running).toBe(1);
    await gate.promise;
    running -= 1;
    return ifModifiedSince === null ? documentOf("{}") : notModified;
  };
  const first = rig.poller.refresh();
  await settle();
  expect(rig.requests).toHaveLength(2);
  const later = [rig.poller.refresh(), rig.poller.refresh(), rig.poller.refresh()];
  await settle();
  expect(rig.requests).toHaveLength(2);
  gate.resolve();
  await first;
  await Promise.all(later);
  await settle();
  expect(conditions(rig.requests)).toEqual([null, lastModified, lastModified]);
  await rig.clock.advance(10_000);
  expect(rig.requests).toHaveLength(4);
});

test("a refresh that is asked for waits as long as the upstream has asked for, and no longer", async () => {
  await using rig = startRig();
  await rig.clock.advance(0);
  rig.upstream = () => Promise.reject(new UpstreamError("rate_limited", "planned", { retryAfterMs: 60_000 }));
  await rig.clock.advance(10_000);
  const before = rig.requests.length;
  rig.upstream = serving(documentOf("{}"));
  void rig.poller.refresh();
  await rig.clock.advance(59_999);
  expect(rig.requests).toHaveLength(before);
  await rig.clock.advance(1);
  expect(rig.requests).toHaveLength(before + 1);
});
