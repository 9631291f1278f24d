/**
 * All client streams of this process: who may open one, who is told of what, and how they end. Clients hear
 * of a document once everybody serves it (contract A10). It knows no keys and no routes.
 */
import type { ServerResponse } from "node:http";
import type { SnapshotSlot } from "../../cache/snapshot-store.ts";
import { RequestError } from "../../models/errors.ts";
import type { ClientStreamSettings } from "../../models/settings.ts";
import type { Clock } from "../clock.ts";
import type { SlotWatcher } from "../environments/served-environments.ts";
import { runInSlices } from "../environments/time-slices.ts";
import { ClientStream } from "./client-stream.ts";
import { EnvironmentStreams } from "./environment-streams.ts";
import { StreamBeats } from "./stream-beats.ts";
import { retryText } from "./stream-texts.ts";

/** A drain ends some streams this often. */
const drainStepMs = 50;
/** Lifetimes are cut by up to this share, at random: streams that began together do not end together. */
const lifetimeSpread = 0.2;

export interface ClientStreamsOptions {
  readonly settings: ClientStreamSettings;
  readonly clock: Clock;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
}

/** One for the process. */
export class ClientStreams implements SlotWatcher {
  readonly #options: ClientStreamsOptions;
  readonly #environments = new Map<SnapshotSlot, EnvironmentStreams>();
  readonly #ending = new AbortController();
  readonly #beats: StreamBeats;
  #draining: Promise<void> | null = null;
  /** A drain is over: what begins now ends with its beginning. */
  #isDrained = false;

  constructor(options: ClientStreamsOptions) {
    this.#options = options;
    const { settings, clock, random } = options;
    const { signal } = this.#ending;
    this.#beats = new StreamBeats({ intervalMs: settings.keepAliveMs, clock, random, signal });
  }

  /** How many streams are open. */
  get streams(): number {
    return this.#beats.streams;
  }

  added(slot: SnapshotSlot): void {
    this.#environments.set(slot, new EnvironmentStreams(slot));
  }

  removed(slot: SnapshotSlot): void {
    const found = this.#environments.get(slot);
    if (found === undefined) return;
    this.#environments.delete(slot);
    void runInSlices(found.endAll(), this.#options.clock);
  }

  swapped(slot: SnapshotSlot): void {
    const found = this.#environments.get(slot);
    if (found?.swapped() === true) this.#tellAll(found);
  }

  announced(slot: SnapshotSlot, version: string): void {
    const found = this.#environments.get(slot);
    if (found?.announced(version) === true) this.#tellAll(found);
  }

  /** @returns why no stream may be opened now; null: one may */
  refusalOf(slot: SnapshotSlot): RequestError | null {
    const { streamsMax, environmentStreamsMax } = this.#options.settings;
    const found = this.#environments.get(slot);
    if (found === undefined) return new RequestError("service_unavailable", "Environment not loaded");
    if (found.streams.size < environmentStreamsMax && this.streams < streamsMax) return null;
    return new RequestError("overloaded", "too many streams are open; see Retry-After");
  }

  /**
   * What a stream begins with: when to come back, and the last document that was announced, for clients that
   * missed it while they were away.
   */
  beginning(slot: SnapshotSlot): string {
    const event = this.#environments.get(slot)?.event ?? null;
    return `${retryText(this.#options.random())}${event?.text ?? ""}`;
  }

  /**
   * Writes what a stream begins with, and keeps it until it ends.
   * @param slot one that is not refused
   * @param response its head is written
   */
  open(slot: SnapshotSlot, response: ServerResponse): void {
    const environment = this.#environments.get(slot);
    if (environment === undefined || this.#isDrained) {
      response.end(this.beginning(slot));
      return;
    }
    const { settings, clock, random } = this.#options;
    const lifetimeMs = settings.lifetimeMs * (1 - lifetimeSpread * random());
    new ClientStream({
      response,
      groups: [environment.streams, this.#beats.choosePlace()],
      beats: Math.max(1, Math.round(lifetimeMs / settings.keepAliveMs)),
      told: environment.event,
      nowMs: clock.monotonicMs(),
    });
    response.write(this.beginning(slot));
  }

  /**
   * Ends all streams, a share at a time, so that their clients do not come back together; those that are
   * opened meanwhile too. A second call joins the first.
   * @param drained settles when the listener's own drain is over, and with it this one
   * @param overMs when all are to have ended
   * @throws what `drained` rejects with
   */
  async drainBeside(drained: Promise<void>, overMs: number): Promise<void> {
    this.#draining ??= this.#drain(overMs);
    await drained.finally(() => this.#ending.abort());
    await this.#draining;
  }

  #tellAll(environment: EnvironmentStreams): void {
    const { clock } = this.#options;
    void runInSlices(environment.tellAll(clock), clock);
  }

  async #drain(overMs: number): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#ending;
    const endMs = clock.monotonicMs() + overMs;
    // Of few streams less than one is due at each step.
    let due = 0;
    for (let leftMs = overMs; leftMs > drainStepMs && !signal.aborted; ) {
      await clock.sleep(drainStepMs, signal);
      due += (this.streams * drainStepMs) / leftMs;
      for (const stream of this.#beats[Symbol.iterator]().take(Math.floor(due))) stream.end();
      due -= Math.floor(due);
      leftMs = endMs - clock.monotonicMs();
    }
    await clock.sleep(Math.max(0, endMs - clock.monotonicMs()), signal);
    this.#isDrained = true;
    await runInSlices(this.#endAll(), clock);
  }

  *#endAll(): Generator<undefined, void> {
    for (const stream of this.#beats) {
      stream.end();
      yield;
    }
  }
}
