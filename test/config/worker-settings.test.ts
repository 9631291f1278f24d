/** How many processes serve: which source decides, and what is no number of processes. */
import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { faultsOf, load, pair } from "./config-folder.ts";

type Variables = Readonly<Record<string, string>>;

const workersOf = (file: unknown, variables: Variables = {}) => {
  const { settings, warnings } = load({ environment_key_pairs: [pair], ...(file as object) }, variables);
  expect(warnings).toEqual([]);
  return settings.server.workers;
};

test("without a word of it one process serves", () => {
  expect(workersOf({})).toBe(1);
  expect(workersOf({ server: {} })).toBe(1);
});

test.each([
  ["the file alone", 3, {}, 3],
  ["WEB_CONCURRENCY over the file", 3, { WEB_CONCURRENCY: "4" }, 4],
  ["SERVER__WORKERS over the file", 3, { SERVER__WORKERS: "5" }, 5],
  ["SERVER__WORKERS over WEB_CONCURRENCY", 3, { WEB_CONCURRENCY: "4", SERVER__WORKERS: "5" }, 5],
  ["the same, in the other order", 3, { SERVER__WORKERS: "5", WEB_CONCURRENCY: "4" }, 5],
  ["SERVER__WORKERS in any case of letters", 3, { WEB_CONCURRENCY: "4", server__workers: "5" }, 5],
  ["WEB_CONCURRENCY over the file's auto", "auto", { WEB_CONCURRENCY: "4" }, 4],
  ["the file where WEB_CONCURRENCY is empty", 3, { WEB_CONCURRENCY: "" }, 3],
  ["the file where WEB_CONCURRENCY is blank", 3, { WEB_CONCURRENCY: " \t" }, 3],
  ["SERVER__WORKERS where WEB_CONCURRENCY is empty", 3, { WEB_CONCURRENCY: "", SERVER__WORKERS: "5" }, 5],
] as const)("%s decides", (_, workers, variables: Variables, decided) => {
  expect(workersOf({ server: { workers } }, variables)).toBe(decided);
});

test("the other settings of the section stay the file's", () => {
  const { settings } = load({ server: { port: 9001, workers: 3 } }, { WEB_CONCURRENCY: "4" });
  expect(settings.server).toMatchObject({ port: 9001, workers: 4 });
});

test.each([1, 2, 256, "2", " 2 ", "2.0"])("%j is a number of processes", (workers) => {
  expect(workersOf({ server: { workers } })).toBe(Number(workers));
  expect(workersOf({}, { WEB_CONCURRENCY: String(workers) })).toBe(Number(workers));
  expect(workersOf({}, { SERVER__WORKERS: String(workers) })).toBe(Number(workers));
});

test.each(["auto", "AUTO", " Auto "])("%j means a process for each CPU that there is for it", (workers) => {
  expect(workersOf({ server: { workers } })).toBe(availableParallelism());
  expect(workersOf({}, { WEB_CONCURRENCY: workers })).toBe(availableParallelism());
  expect(workersOf({}, { SERVER__WORKERS: workers })).toBe(availableParallelism());
});

const rule = "expected a whole number from 1 to 256, or auto";

test.each([0, -1, 1.5, "two", 257, 1e9, "", "1e999", "0x2", "2 workers", null, true, [], [2], {}])(
  "the file's %j is none",
  (workers) => {
    const faults = faultsOf({ server: { workers } });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(new RegExp(`^server\\.workers: ${rule}, found .+\\. Set .+\\.$`));
  },
);

test.each(["0", "-1", "1.5", "two", "257", "NaN", "Infinity", "null", "true", "[2]", "2,3"])(
  "%j is none in a variable, and the fault names it",
  (text) => {
    for (const variable of ["WEB_CONCURRENCY", "SERVER__WORKERS"]) {
      const faults = faultsOf({ server: { workers: 2 } }, { [variable]: text });
      expect(faults).toHaveLength(1);
      expect(faults[0]).toMatch(/^server\.workers: /);
      expect(faults[0]).toContain(rule);
      expect(faults[0]).toContain(`in the variable ${variable}.`);
    }
  },
);

test("an empty SERVER__WORKERS is a fault, as every empty setting", () => {
  expect(faultsOf({}, { SERVER__WORKERS: "" })).toEqual([
    expect.stringMatching(/^server\.workers: expected .*in the variable SERVER__WORKERS\./),
  ]);
});
