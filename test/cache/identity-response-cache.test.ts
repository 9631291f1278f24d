/** The cache of identity answers keeps its limits, alone and with others. */
import { expect, test } from "vitest";
import { IdentityResponseCache, sharedBetween } from "../../src/cache/identity-response-cache.ts";

const response = (body: string) => ({ body, headers: { plain: {}, namedOrigins: new Set<string>() } });

function kept(cache: IdentityResponseCache, count: number): number {
  return Array.from({ length: count }, (_, index) => cache.get(`request ${index}`)).filter(Boolean).length;
}

test("it holds no more entries than its limit, the last used ones", () => {
  const cache = new IdentityResponseCache({ enabled: true, entriesMax: 3, bytesMax: 1_000_000 });
  for (let index = 0; index < 10; index += 1) cache.set(`request ${index}`, response("x"));
  expect(kept(cache, 10)).toBe(3);
  expect(cache.get("request 9")?.body).toBe("x");
});

test("it holds no more bytes than its limit, requests, answers and what an entry costs counted", () => {
  const cache = new IdentityResponseCache({ enabled: true, entriesMax: 1000, bytesMax: 10_000 });
  for (let index = 0; index < 100; index += 1) cache.set(`request ${index}`, response("x".repeat(1000)));
  expect(kept(cache, 100)).toBeGreaterThan(3);
  expect(kept(cache, 100)).toBeLessThan(10);
});

test("switched off it holds nothing", () => {
  const cache = new IdentityResponseCache({ enabled: false, entriesMax: 10, bytesMax: 1_000_000 });
  cache.set("request 0", response("x"));
  expect(cache.get("request 0")).toBeUndefined();
});

test("several share the limits equally, and each may hold something", () => {
  const settings = { enabled: true, entriesMax: 100, bytesMax: 1000 };
  expect(sharedBetween(4, settings)).toEqual({ enabled: true, entriesMax: 25, bytesMax: 250 });
  expect(sharedBetween(0, settings)).toEqual(settings);
  expect(sharedBetween(1000, settings)).toMatchObject({ entriesMax: 1, bytesMax: 1 });
});
