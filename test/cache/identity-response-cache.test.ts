/** The cache of identity answers keeps its limits, alone and with others. */
import { expect, test } from "vitest";
import {
  cachedRequest,
  IdentityResponseCache,
  sharedBetween,
} from "../../src/cache/identity-response-cache.ts";

const response = (body: string) => ({ body, headers: { plain: {}, anyOrigin: true } });

/** As a route does: look up, and offer what it had to make. */
function request(cache: IdentityResponseCache, text: string, body = "x"): boolean {
  if (cache.get(cachedRequest(text)) !== undefined) return true;
  cache.offer(cachedRequest(text), response(body));
  return false;
}

/** The second time it is kept. */
function keep(cache: IdentityResponseCache, text: string, body = "x"): void {
  request(cache, text, body);
  request(cache, text, body);
}

function kept(cache: IdentityResponseCache, count: number): number {
  return Array.from({ length: count }, (_, index) => cache.get(cachedRequest(`request ${index}`))).filter(
    Boolean,
  ).length;
}

test("it holds no more entries than its limit, the last used ones", () => {
  const cache = new IdentityResponseCache({ enabled: true, entriesMax: 3, bytesMax: 1_000_000 });
  for (let index = 0; index < 10; index += 1) keep(cache, `request ${index}`);
  expect(kept(cache, 10)).toBe(3);
  expect(cache.get(cachedRequest("request 9"))?.body).toBe("x");
});

test("it holds no more bytes than its limit, requests, answers and what an entry costs counted", () => {
  const cache = new IdentityResponseCache({ enabled: true, entriesMax: 1000, bytesMax: 10_000 });
  for (let index = 0; index < 100; index += 1) keep(cache, `request ${index}`, "x".repeat(1000));
  expect(kept(cache, 100)).toBeGreaterThan(3);
  expect(kept(cache, 100)).toBeLessThan(10);
});

test("cleared, it has forgotten what it kept and what it was asked, and begins anew", () => {
  const cache = new IdentityResponseCache({ enabled: true, entriesMax: 100, bytesMax: 1_000_000 });
  keep(cache, "request 0");
  request(cache, "request 1");
  cache.clear();
  expect(request(cache, "request 1")).toBe(false);
  expect(kept(cache, 2)).toBe(0);
  expect(request(cache, "request 1")).toBe(false);
  expect(request(cache, "request 1")).toBe(true);
});

test("switched off it holds nothing", () => {
  const cache = new IdentityResponseCache({ enabled: false, entriesMax: 10, bytesMax: 1_000_000 });
  keep(cache, "request 0");
  expect(cache.get(cachedRequest("request 0"))).toBeUndefined();
});

test("a request that comes once is not kept, one that comes again is", () => {
  const cache = new IdentityResponseCache({ enabled: true, entriesMax: 100, bytesMax: 1_000_000 });
  for (let index = 0; index < 50; index += 1) request(cache, `request ${index}`);
  expect(kept(cache, 50)).toBe(0);
  keep(cache, "request 7");
  expect(request(cache, "request 7")).toBe(true);
});

test("a stream of requests that come once does not push out one that is kept", () => {
  const cache = new IdentityResponseCache({ enabled: true, entriesMax: 3, bytesMax: 1_000_000 });
  keep(cache, "kept");
  for (let index = 0; index < 10_000; index += 1) request(cache, `once ${index}`);
  expect(cache.get(cachedRequest("kept"))?.body).toBe("x");
});

test("what was displaced is made again, and may be kept again", () => {
  const cache = new IdentityResponseCache({ enabled: true, entriesMax: 2, bytesMax: 1_000_000 });
  for (const text of ["a", "b", "c", "d"]) keep(cache, text);
  expect(["a", "b", "c", "d"].filter((text) => cache.get(cachedRequest(text))).length).toBe(2);
  keep(cache, "a");
  expect(cache.get(cachedRequest("a"))?.body).toBe("x");
});

test("raw bodies are told apart byte by byte, and found as the same bytes in another buffer", () => {
  const cache = new IdentityResponseCache({ enabled: true, entriesMax: 10, bytesMax: 1_000_000 });
  const bodies = ["\u00e9", "e", "", "{}"].map((text) => Buffer.from(text));
  for (const [index, body] of bodies.entries()) {
    for (const _ of [1, 2])
      if (cache.get(cachedRequest(body)) === undefined)
        cache.offer(cachedRequest(body), response(String(index)));
  }
  expect(bodies.map((body) => cache.get(cachedRequest(Buffer.from(body)))?.body)).toEqual([
    "0",
    "1",
    "2",
    "3",
  ]);
});

test("an answer larger than the whole cache is not kept, and does no harm", () => {
  const cache = new IdentityResponseCache({ enabled: true, entriesMax: 10, bytesMax: 2000 });
  for (let time = 0; time < 5; time += 1) expect(request(cache, "large", "x".repeat(5000))).toBe(false);
  keep(cache, "small");
  expect(cache.get(cachedRequest("small"))?.body).toBe("x");
});

test("several share the limits equally, and each may hold something", () => {
  const settings = { enabled: true, entriesMax: 100, bytesMax: 1000 };
  expect(sharedBetween(4, settings)).toEqual({ enabled: true, entriesMax: 25, bytesMax: 250 });
  expect(sharedBetween(0, settings)).toEqual(settings);
  expect(sharedBetween(1000, settings)).toMatchObject({ entriesMax: 1, bytesMax: 1 });
});
