/** Contract B 4.2: which environments come, go and get other keys, and that those of the settings stay. */
import { expect, it } from "vitest";
import type { EnvironmentKeys } from "../../../src/models/environment-keys.ts";
import { EnvironmentList } from "../../../src/services/environments/environment-list.ts";

const environment = (clientSideKey: string, ...keys: string[]): EnvironmentKeys => ({
  clientSideKey,
  serverKeys: keys.map((key) => ({ key, expiresAtMs: null })),
});
const [a, b, c] = [environment("a", "ser.a"), environment("b", "ser.b"), environment("c", "ser.c")];

/** As discovery finds them; without keys that are not valid. */
const found = (...all: EnvironmentKeys[]) => all.map((keys) => ({ id: null, keys, otherKeys: [] }));

/** A list, and what it has told. */
function startList() {
  const told: string[] = [];
  const list = new EnvironmentList({
    add: (number, { clientSideKey }) => void told.push(`add ${number} ${clientSideKey}`),
    setKeys: (number, { serverKeys }) =>
      void told.push(`keys ${number} ${serverKeys.map(({ key }) => key).join(" ")}`),
    remove: (number) => void told.push(`remove ${number}`),
  });
  return { list, take: () => told.splice(0) };
}

it("discovered environments come and go, and a number is not given again", () => {
  const { list, take } = startList();
  list.discover(found(a, b));
  expect(take()).toEqual(["add 0 a", "add 1 b"]);
  expect(list.discover(found(b)).removed).toEqual([a]);
  expect(take()).toEqual(["remove 0"]);
  list.discover(found(b, a));
  expect(take()).toEqual(["add 2 a"]);
});

it("keys that rotate keep their environment, and another order is no change", () => {
  const { list, take } = startList();
  list.discover(found(environment("a", "ser.1", "ser.2")));
  take();
  list.discover(found(environment("a", "ser.2", "ser.1")));
  expect(take()).toEqual([]);
  expect(list.discover(found(environment("a", "ser.2"))).rekeyed).toEqual([environment("a", "ser.2")]);
  expect(take()).toEqual(["keys 0 ser.2"]);
  const expiring = { clientSideKey: "a", serverKeys: [{ key: "ser.2", expiresAtMs: 5 }] };
  list.discover(found(expiring));
  expect(take()).toEqual(["keys 0 ser.2"]);
});

it("one that is listed with a key of the settings, though it is not valid, is passed over", () => {
  const { list } = startList();
  list.configure([a]);
  const withOld = [
    { id: 2, keys: b, otherKeys: ["ser.old", "ser.a"] },
    { id: 3, keys: c, otherKeys: ["ser.old"] },
  ];
  expect(list.discover(withOld)).toMatchObject({ added: [c], passedOver: [b] });
});

it.each([
  ["its client key", environment("a", "ser.other")],
  ["its server key", environment("other", "ser.a")],
  ["its server key, beside another", environment("other", "ser.other", "ser.a")],
  ["its client key as a server key", environment("other", "a")],
])("an environment of the settings is not touched by one that has %s", (_, collides) => {
  const { list, take } = startList();
  list.configure([a]);
  take();
  expect(list.discover(found(collides, b))).toMatchObject({
    added: [b],
    passedOver: [collides],
    removed: [],
  });
  expect(take()).toEqual(["add 1 b"]);
  list.discover(found());
  expect(take()).toEqual(["remove 1"]);
});

it("settings that come to name a discovered environment take it over as it is", () => {
  const { list, take } = startList();
  list.discover(found(a, b));
  take();
  list.configure([a]);
  list.discover(found(b));
  expect(take()).toEqual([]);
  list.configure([]);
  expect(take()).toEqual(["remove 0"]);
});

it("another environment that has got a client key takes the place of the one that had it", () => {
  const { list, take } = startList();
  const named = (id: number | null, keys: EnvironmentKeys) => ({ id, keys, otherKeys: [] });
  list.discover([named(1, a), named(2, b)]);
  take();
  const crossed = { a: environment("a", "ser.b"), b: environment("b", "ser.a") };
  const changes = list.discover([named(1, crossed.b), named(2, crossed.a)]);
  expect(take()).toEqual(["remove 0", "remove 1", "add 2 b", "add 3 a"]);
  expect(changes).toMatchObject({ added: [crossed.b, crossed.a], rekeyed: [], removed: [a, b] });
  list.discover([named(null, crossed.b), named(2, crossed.a)]);
  expect(take()).toEqual([]);
  list.discover([named(1, crossed.b), named(null, crossed.a)]);
  list.configure([crossed.a]);
  list.discover([named(1, crossed.b), named(3, crossed.a)]);
  expect(take()).toEqual([]);
  list.configure([]);
  expect(take()).toEqual(["remove 3", "add 4 a"]);
});

it("removals come before what follows them", () => {
  const { list, take } = startList();
  list.discover(found(a));
  take();
  list.discover(found(environment("z", "ser.a"), c));
  expect(take()).toEqual(["remove 0", "add 1 z", "add 2 c"]);
});
