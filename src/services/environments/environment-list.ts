/**
 * Which environments there are: those of the settings and those that discovery has found (contract B 4.2).
 * An environment is known by its client key, and by the upstream's id where there is one (decision 0036), and
 * has a number of its own. It tells of changes, and polls nothing.
 */
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import type { EnvironmentKeyPair } from "../../models/settings.ts";
import type { DiscoveredEnvironment } from "./discovered-list.ts";

/** Told of each change as it is made, by the environment's number. */
export interface EnvironmentListTarget {
  add(environment: number, keys: EnvironmentKeys): void;
  /** Other server keys: its client key never changes. */
  setKeys(environment: number, keys: EnvironmentKeys): void;
  remove(environment: number): void;
}

/** What a new list has changed, for the log. */
export interface ListChanges {
  readonly added: readonly EnvironmentKeys[];
  /** With their new keys. */
  readonly rekeyed: readonly EnvironmentKeys[];
  readonly removed: readonly EnvironmentKeys[];
  /** Not served, as another environment has one of the keys. */
  readonly passedOver: readonly EnvironmentKeys[];
}

type DiscoveredKeys = Pick<DiscoveredEnvironment, "id" | "keys" | "otherKeys">;

/** An environment that is to be served. */
type WantedEnvironment = Pick<DiscoveredEnvironment, "id" | "keys">;

interface ListedEnvironment extends WantedEnvironment {
  readonly environment: number;
}

/** @returns the keys of an environment of the settings: they never expire */
export function keysOfPair({ clientSideKey, serverSideKey }: EnvironmentKeyPair): EnvironmentKeys {
  return { clientSideKey, serverKeys: [{ key: serverSideKey, expiresAtMs: null }] };
}

export class EnvironmentList {
  readonly #target: EnvironmentListTarget;
  /** By client key. */
  readonly #listed = new Map<string, ListedEnvironment>();
  #configured: readonly EnvironmentKeys[] = [];
  #discovered: readonly DiscoveredKeys[] = [];
  /** The number of the next environment that is added. */
  #next = 0;

  constructor(target: EnvironmentListTarget) {
    this.#target = target;
  }

  /** Those of the settings, which discovery never changes. */
  configure(configured: readonly EnvironmentKeys[]): ListChanges {
    this.#configured = configured;
    return this.#apply();
  }

  /**
   * All that discovery has found; those that it found before and not now are gone.
   * @param discovered one of whose keys, valid or not, is a key of the settings is passed over
   */
  discover(discovered: readonly DiscoveredKeys[]): ListChanges {
    this.#discovered = discovered;
    return this.#apply();
  }

  /** Removals come first, so that a key is free for who has it from now on. */
  #apply(): ListChanges {
    const { wanted, passedOver } = withoutCollisions(this.#configured, this.#discovered);
    const byClientKey = new Map(wanted.map((each) => [each.keys.clientSideKey, each]));
    const removed = [...this.#listed.values()].filter(
      (listed) => !isStillThere(listed, byClientKey.get(listed.keys.clientSideKey)),
    );
    for (const { environment, keys } of removed) {
      this.#listed.delete(keys.clientSideKey);
      this.#target.remove(environment);
    }
    const rekeyed = wanted.filter((each) => this.#rekey(each)).map(keysOf);
    const added = wanted.filter(({ keys }) => !this.#listed.has(keys.clientSideKey));
    for (const each of added) this.#add(each);
    return { added: added.map(keysOf), rekeyed, removed: removed.map(keysOf), passedOver };
  }

  #add({ id, keys }: WantedEnvironment): void {
    const environment = this.#next;
    this.#next += 1;
    this.#listed.set(keys.clientSideKey, { environment, id, keys });
    this.#target.add(environment, keys);
  }

  /** @returns whether the environment is there, with other keys */
  #rekey({ id, keys }: WantedEnvironment): boolean {
    const listed = this.#listed.get(keys.clientSideKey);
    if (listed === undefined) return false;
    const { environment } = listed;
    // Settings that take an environment over do not know its id.
    this.#listed.set(keys.clientSideKey, { environment, id: id ?? listed.id, keys });
    if (hasSameServerKeys(listed.keys, keys)) return false;
    this.#target.setKeys(environment, keys);
    return true;
  }
}

/** @param wanted what has the client key of the listed one now */
function isStillThere(listed: ListedEnvironment, wanted: WantedEnvironment | undefined): boolean {
  if (wanted === undefined) return false;
  return wanted.id === listed.id || wanted.id === null || listed.id === null;
}

function keysOf({ keys }: WantedEnvironment): EnvironmentKeys {
  return keys;
}

/** Of environments that have a key in common the first stays (contract B 4.2). */
function withoutCollisions(configured: readonly EnvironmentKeys[], discovered: readonly DiscoveredKeys[]) {
  const configuredKeys = new Set(configured.flatMap(textsOf));
  const taken = new Set<string>();
  const wanted: WantedEnvironment[] = [];
  const passedOver: EnvironmentKeys[] = [];
  const noOthers = configured.map((keys) => ({ id: null, keys, otherKeys: [] }));
  for (const { id, keys, otherKeys } of [...noOthers, ...discovered]) {
    const own = textsOf(keys);
    const isPassedOver =
      own.some((key) => taken.has(key)) || otherKeys.some((key) => configuredKeys.has(key));
    if (isPassedOver) {
      passedOver.push(keys);
      continue;
    }
    wanted.push({ id, keys });
    for (const key of own) taken.add(key);
  }
  return { wanted, passedOver };
}

function textsOf({ clientSideKey, serverKeys }: EnvironmentKeys): string[] {
  return [clientSideKey, ...serverKeys.map(({ key }) => key)];
}

/** In whatever order. */
function hasSameServerKeys(left: EnvironmentKeys, right: EnvironmentKeys): boolean {
  const textOf = ({ serverKeys }: EnvironmentKeys) =>
    serverKeys
      .map(({ key, expiresAtMs }) => `${key} ${expiresAtMs}`)
      .sort()
      .join();
  return textOf(left) === textOf(right);
}
