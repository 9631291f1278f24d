/** Which documents may replace the one that is served (reliability B16, B17). */
import { describe, expect, it } from "vitest";
import { DocumentGuard } from "../../../src/services/environments/document-guard.ts";

const digests = { next: 0 };
const document = (features: number, apiKey = "A", environmentId: string | null = "1") => ({
  digest: `digest ${digests.next++}`,
  facts: { apiKey, environmentId, features, announcesChanges: false },
});

function guardOf(served: ReturnType<typeof document> | null, holdsBackShrunk = true): DocumentGuard {
  const guard = new DocumentGuard("A", holdsBackShrunk);
  if (served !== null) guard.accepted(served);
  return guard;
}

describe("another environment's document", () => {
  it.each([
    ["another api_key", document(10, "B"), "other_environment"],
    ["another id", document(10, "A", "2"), "other_environment"],
    ["the same", document(10), undefined],
    ["no id", document(10, "A", null), undefined],
  ])("%s", (_, next, code) => {
    expect(guardOf(document(10)).refusalOf(next)?.code).toBe(code);
    expect(guardOf(null).refusalOf(next)).toBeNull();
  });
});

describe("where the served document's api_key is not the configured client key", () => {
  const foreign = document(10, "B", "2");

  it("the environment's own replaces it at once, however few features it has", () => {
    const guard = guardOf(foreign);
    const own = document(1, "A", "1");
    expect(guard.refusalOf(own)).toBeNull();
    expect(() => guard.confirm(own)).not.toThrow();
    guard.accepted(own);
    for (const next of [foreign, document(10, "A", "2")]) {
      expect(guard.refusalOf(next)?.code).toBe("other_environment");
    }
    expect(() => guard.confirm(document(0))).toThrow();
  });

  it.each([
    ["another foreign one", document(10, "C", "2"), "other_environment"],
    ["of the same key, another id", document(10, "B", "3"), "other_environment"],
    ["the same", document(10, "B", "2"), undefined],
  ])("%s is treated as ever", (_, next, code) => {
    expect(guardOf(foreign).refusalOf(next)?.code).toBe(code);
    expect(() => guardOf(foreign).confirm(document(1, "B", "2"))).toThrow();
  });
});

describe("a document that lost features", () => {
  it.each([
    [10, 5, false],
    [10, 4, true],
    [10, 0, true],
    [1, 0, true],
    [0, 0, false],
    [3, 1, true],
    [3, 2, false],
  ])("of %d features with %d: held back is %s", (before, after, isHeldBack) => {
    const guard = guardOf(document(before));
    const confirm = () => guard.confirm(document(after));
    if (isHeldBack) expect(confirm).toThrow(expect.objectContaining({ code: "document_shrunk" }));
    else expect(confirm).not.toThrow();
  });

  it("is held back again when the served one was confirmed between", () => {
    const guard = guardOf(document(10));
    const shrunk = document(1);
    expect(() => guard.confirm(shrunk)).toThrow();
    guard.confirmedServed();
    expect(() => guard.confirm(shrunk)).toThrow();
    expect(() => guard.confirm(shrunk)).not.toThrow();
  });

  it("passes when it comes again, and not when yet another one comes", () => {
    const guard = guardOf(document(10));
    const [first, second] = [document(1), document(2)];
    for (const each of [first, second, first]) expect(() => guard.confirm(each)).toThrow();
    expect(() => guard.confirm(first)).not.toThrow();
  });

  it("has to be confirmed anew once another one was served", () => {
    const guard = guardOf(document(10));
    const shrunk = document(1);
    expect(() => guard.confirm(shrunk)).toThrow();
    guard.accepted(document(10));
    expect(() => guard.confirm(shrunk)).toThrow();
  });

  it("passes at once where nobody wants to confirm it, and where nothing is served", () => {
    expect(() => guardOf(document(10), false).confirm(document(0))).not.toThrow();
    expect(() => guardOf(null).confirm(document(0))).not.toThrow();
  });
});
