/**
 * Event streams without a network: a test says how each opens, what it says and how it ends. It must not
 * decide anything that the code under test decides.
 */
import type { UpstreamEventsSettings } from "../../src/models/settings.ts";
import type { EventStreamRequest } from "../../src/services/upstream/event-stream-client.ts";

export const eventsSettings: UpstreamEventsSettings = {
  url: "http://127.0.0.1:9/",
  pollIntervalMs: 60_000,
  catchUpSpreadMs: 0,
  silenceMsMax: 60_000,
  eventBytesMax: 2000,
  reconnectMinMs: 1000,
  reconnectMaxMs: 60_000,
};

/** One stream that was asked for. */
export interface ScriptedStream {
  readonly request: EventStreamRequest;
  /** Begins the answer. */
  begin(): void;
  refuse(error: Error): void;
  say(text: string): void;
  /** Ends it: in order, or by an error. */
  end(error?: Error): void;
}

/** A client whose streams wait for what the test has them do; `streams` holds all of them. */
export function createScriptedClient() {
  const streams: ScriptedStream[] = [];
  return {
    streams,
    /** The one that was asked for last. */
    get last(): ScriptedStream {
      const last = streams.at(-1);
      if (last === undefined) throw new Error("no stream was asked for");
      return last;
    },
    open(request: EventStreamRequest): Promise<AsyncIterable<Uint8Array>> {
      const opening = Promise.withResolvers<AsyncIterable<Uint8Array>>();
      const channel = new TransformStream<Uint8Array, Uint8Array>(undefined, { highWaterMark: 1000 });
      const writer = channel.writable.getWriter();
      const abort = (reason: unknown): void => {
        opening.reject(reason);
        writer.abort(reason).catch(() => undefined);
      };
      request.signal.addEventListener("abort", () => abort(request.signal.reason));
      writer.closed.catch(() => undefined);
      streams.push({
        request,
        begin: () => opening.resolve(channel.readable),
        refuse: (error) => opening.reject(error),
        say: (text) => void writer.write(new TextEncoder().encode(text)).catch(() => undefined),
        end: (error) => {
          if (error === undefined) writer.close().catch(() => undefined);
          else abort(error);
        },
      });
      return opening.promise;
    },
  };
}
