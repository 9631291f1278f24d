/**
 * One client stream, on Node's response itself: web streams and what comes with them would cost more
 * memory than all the rest of it. It does not know when to say what.
 */
import type { ServerResponse } from "node:http";
import { keepAliveBytes } from "./stream-texts.ts";

/** Who has not taken within this what was written is slow: TLS and a busy machine take some turns. */
const slowMsMin = 1000;

/** An event as it goes to every stream of an environment, prepared once. */
export interface PreparedEvent {
  readonly text: string;
  readonly bytes: Uint8Array;
}

export interface ClientStreamOptions {
  /** Its head is written. */
  readonly response: ServerResponse;
  /** What it is in until it ends. */
  readonly groups: readonly Set<ClientStream>[];
  /** With the last of so many beats it ends. */
  readonly beats: number;
  /** What the client was told at its beginning; null: nothing. */
  readonly told: PreparedEvent | null;
  /** Monotonic. */
  readonly nowMs: number;
}

export class ClientStream {
  readonly #response: ServerResponse;
  readonly #groups: readonly Set<ClientStream>[];
  #beatsLeft: number;
  #told: PreparedEvent | null;
  #wroteMs: number;

  constructor({ response, groups, beats, told, nowMs }: ClientStreamOptions) {
    this.#response = response;
    this.#groups = groups;
    this.#beatsLeft = beats;
    this.#told = told;
    this.#wroteMs = nowMs;
    for (const group of groups) group.add(this);
    response.once("close", () => this.#leave());
  }

  /** Writes the event, unless it was the last one. @param nowMs monotonic */
  tell(event: PreparedEvent, nowMs: number): void {
    if (this.#told === event) return;
    this.#told = event;
    this.#write(event.bytes, nowMs);
  }

  /** Writes a keep-alive, or ends a stream that has lived long enough. @param nowMs monotonic */
  beat(nowMs: number): void {
    this.#beatsLeft -= 1;
    if (this.#beatsLeft > 0) this.#write(keepAliveBytes, nowMs);
    else this.end();
  }

  /** In order, so that the client sees no error: one SDK does not come back after one (B 1.8, Kotlin). */
  end(): void {
    this.#leave();
    // Who has not taken what came before would hold up a drain.
    if (this.#isBehind) this.#response.destroy();
    else this.#response.end();
  }

  /** What a reader does not take lies in this process: who is behind at the next write is cut. */
  #write(bytes: Uint8Array, nowMs: number): void {
    if (this.#isBehind && nowMs - this.#wroteMs >= slowMsMin) {
      this.end();
      return;
    }
    this.#wroteMs = nowMs;
    this.#response.write(bytes);
  }

  get #isBehind(): boolean {
    return this.#response.writableLength > 0;
  }

  #leave(): void {
    for (const group of this.#groups) group.delete(this);
  }
}
