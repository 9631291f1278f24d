/**
 * The upstream's word of changes, for all environments: streams where documents ask for them, webhooks, and
 * the refreshes that follow. It sees documents on their way to the data plane, and changes none.
 */
import type { EnvironmentKeys } from "../../models/environment-keys.ts";
import type { DocumentFacts, PackedDocument } from "../../models/packed-document.ts";
import type { UpstreamEventsSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { DataPlane } from "../environments/served-environments.ts";
import { labelOf } from "../environments/valid-server-key.ts";
import { watchedDataPlane } from "../environments/watched-data-plane.ts";
import type { Logger } from "../service-logger.ts";
import type { EventStreamClient } from "../upstream/event-stream-client.ts";
import { ChangeFollower } from "./change-follower.ts";
import { UpstreamEventStream } from "./upstream-event-stream.ts";

export interface UpstreamChangesOptions {
  /** Null: no streams are opened. */
  readonly streams: {
    readonly client: Pick<EventStreamClient, "open">;
    readonly settings: UpstreamEventsSettings;
  } | null;
  /** See `ChangeFollowerOptions`. */
  readonly jitterMs: number;
  /** Has an environment refreshed. @returns whether that went well, once it has ended */
  readonly refresh: (environment: number) => Promise<boolean>;
  /** How long an environment is left alone between two polls; null: as usual. */
  readonly setPace: (environment: number, intervalMs: number | null) => void;
  readonly clock: Clock;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
  readonly logger: Logger;
}

interface ChangingEnvironment {
  keys: EnvironmentKeys;
  readonly follower: ChangeFollower;
  /** Of the document that is served; null before the first. */
  facts: DocumentFacts | null;
  digest: string | null;
  stream: UpstreamEventStream | null;
}

export class UpstreamChanges implements AsyncDisposable {
  readonly #options: UpstreamChangesOptions;
  /** By their numbers. */
  readonly #environments = new Map<number, ChangingEnvironment>();
  /** What is still to end of streams and environments that are gone. */
  readonly #ending = new Set<Promise<void>>();

  constructor(options: UpstreamChangesOptions) {
    this.#options = options;
  }

  /** @returns the data plane, beside which this sees which environments there are, and their documents */
  watch(dataPlane: DataPlane): DataPlane {
    return watchedDataPlane(dataPlane, {
      environmentSet: (environment, keys) => this.#set(environment, keys),
      environmentRemoved: (environment) => this.#remove(environment),
      published: (environment, { packed }, { updatedAt }) => this.#served(environment, packed, updatedAt),
    });
  }

  /** The upstream has changed the environment with this id; any, where it is null or none has it. */
  wanted(environmentId: number | null): void {
    const all = [...this.#environments.values()];
    const named = all.filter(({ facts }) => isNamed(facts, environmentId));
    for (const { follower } of named.length > 0 ? named : all) follower.changed(null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const environment of [...this.#environments.keys()]) this.#remove(environment);
    await Promise.all(this.#ending);
  }

  #set(environment: number, keys: EnvironmentKeys): void {
    const found = this.#environments.get(environment);
    if (found === undefined) this.#add(environment, keys);
    else found.keys = keys;
  }

  #add(environment: number, keys: EnvironmentKeys): void {
    const { clock, jitterMs, random, refresh, streams } = this.#options;
    const follower = new ChangeFollower({
      refresh: () => refresh(environment),
      jitterMs,
      catchUpSpreadMs: streams?.settings.catchUpSpreadMs ?? 0,
      clock,
      random,
    });
    this.#environments.set(environment, { keys, follower, facts: null, digest: null, stream: null });
  }

  #remove(environment: number): void {
    const found = this.#environments.get(environment);
    if (found === undefined) return;
    this.#environments.delete(environment);
    this.#end(found.follower);
    if (found.stream !== null) this.#end(found.stream);
  }

  /** A stream goes on from one document to the next, until one does without. */
  #served(environment: number, { facts, digest }: PackedDocument, updatedAt: Date | null): void {
    const found = this.#environments.get(environment);
    // The same once more, as the first poll brings it after a start from the archive, is no change.
    if (found === undefined || found.digest === digest) return;
    found.facts = facts;
    found.digest = digest;
    found.follower.served(updatedAt);
    if (facts.announcesChanges) found.stream ??= this.#openStream(environment, found);
    else if (found.stream !== null) {
      this.#end(found.stream);
      found.stream = null;
      this.#options.setPace(environment, null);
    }
  }

  #openStream(environment: number, changing: ChangingEnvironment): UpstreamEventStream | null {
    const { clock, logger, random, setPace, streams } = this.#options;
    if (streams === null) return null;
    const { client, settings } = streams;
    return new UpstreamEventStream({
      label: () => labelOf(changing.keys, clock),
      clientKey: changing.keys.clientSideKey,
      client,
      settings,
      onChange: (updatedAtMs) => changing.follower.changed(updatedAtMs),
      onGap: () => changing.follower.catchUp(),
      onHealth: (isHealthy) => setPace(environment, isHealthy ? settings.pollIntervalMs : null),
      clock,
      random,
      logger,
    });
  }

  #end(ended: AsyncDisposable): void {
    const ending = Promise.resolve(ended[Symbol.asyncDispose]());
    this.#ending.add(ending);
    void ending.then(() => this.#ending.delete(ending));
  }
}

function isNamed(facts: DocumentFacts | null, environmentId: number | null): boolean {
  const servedId = facts?.environmentId ?? null;
  return servedId !== null && Number(servedId) === environmentId;
}
