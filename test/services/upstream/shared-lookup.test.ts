/** Lookups of the upstream's name: one at a time, however many wait, and nothing remembered. */
import { expect, test } from "vitest";
import { createSharedLookup } from "../../../src/services/upstream/shared-lookup.ts";

type Resolve = NonNullable<Parameters<typeof createSharedLookup>[0]>;

const all = { all: true, family: 0 };

/** A name server that answers when it is told to. */
function startResolver() {
  const asked: { readonly hostname: string; readonly answer: Parameters<Resolve>[2] }[] = [];
  const resolve: Resolve = (hostname, _options, answer) => asked.push({ hostname, answer });
  return { asked, lookup: createSharedLookup(resolve) };
}

test("while the name server is silent, a hundred lookups are one, and all get its answer", () => {
  const { asked, lookup } = startResolver();
  const answers: unknown[] = [];
  for (let index = 0; index < 100; index += 1) {
    lookup("flags.example", all, (...answer) => answers.push(answer));
  }
  expect(asked).toHaveLength(1);
  const address = [{ address: "192.0.2.1", family: 4 }];
  asked[0]?.answer(null, address);
  expect(answers).toEqual(Array(100).fill([null, address]));
});

test("an answer is not kept, neither an address nor an error", () => {
  const { asked, lookup } = startResolver();
  const answers: unknown[] = [];
  const ask = () => lookup("flags.example", all, (...answer) => answers.push(answer));
  ask();
  const error = Object.assign(new Error("not found"), { code: "ENOTFOUND" });
  asked[0]?.answer(error, "");
  ask();
  asked[1]?.answer(null, "192.0.2.2", 4);
  expect(answers).toEqual([
    [error, ""],
    [null, "192.0.2.2", 4],
  ]);
});

test("other names and other options are other questions", () => {
  const { asked, lookup } = startResolver();
  lookup("flags.example", all, () => undefined);
  lookup("flags.example", { family: 6 }, () => undefined);
  lookup("proxy.example", all, () => undefined);
  expect(asked.map(({ hostname }) => hostname)).toEqual(["flags.example", "flags.example", "proxy.example"]);
});
