/**
 * A client stream as its client sees it, every byte: what came so far, whole or not. It must not reconnect,
 * and must not repair anything.
 */
import { RawConnection, requestText } from "./raw-client.ts";
import { clientKey, eventually } from "./running-proxy.ts";

export const streamPath = `/sse/environments/${clientKey}/stream`;

export class StreamClient implements AsyncDisposable {
  readonly connection: RawConnection;

  private constructor(connection: RawConnection) {
    this.connection = connection;
  }

  /** Asks, and resolves when an answer begins. */
  static async open(port: number, path = streamPath, headers: readonly string[] = []): Promise<StreamClient> {
    return await StreamClient.over(await RawConnection.open(port), path, headers);
  }

  /** The same on a connection of the caller's choice. */
  static async over(
    connection: RawConnection,
    path = streamPath,
    headers: readonly string[] = [],
  ): Promise<StreamClient> {
    const client = new StreamClient(connection);
    client.connection.send(requestText(`GET ${path}`, headers));
    await eventually(() => client.head !== "");
    return client;
  }

  /** The status line and the headers, as they came. */
  get head(): string {
    return this.connection.unread.split("\r\n\r\n", 1)[0] ?? "";
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d{3}) /.exec(this.head)?.[1]);
  }

  /** The stream without its chunks' frames. @throws where a frame is not right */
  get text(): string {
    return this.chunks.join("");
  }

  /** What was written at once. @throws where a frame is not right */
  get chunks(): readonly string[] {
    const chunks: string[] = [];
    for (let rest = this.#body; rest !== ""; ) {
      const [, digits = "", after = ""] = /^([0-9a-f]+)\r\n(.*)$/s.exec(rest) ?? [];
      const size = Number.parseInt(digits, 16);
      if (!(after.length >= size + 2)) throw new Error(`no whole chunk: '${rest}'`);
      if (size > 0) chunks.push(after.slice(0, size));
      rest = after.slice(size + 2);
    }
    return chunks;
  }

  /** The values of all events, in order. @throws where there is anything but what contract A10 has */
  get events(): readonly string[] {
    const event = /event: environment_updated\ndata: \{"updated_at": (\d+\.\d+)\}\n\n/g;
    const others = this.text.replaceAll(event, "").replaceAll(/retry: \d+\n\n|:\n\n/g, "");
    if (others !== "") throw new Error(`neither event, nor comment, nor retry: '${others}'`);
    return [...this.text.matchAll(event)].map(([, value = ""]) => value);
  }

  /** Whether the server has ended the stream in order: with the last chunk. */
  get isEnded(): boolean {
    return this.#body.endsWith("0\r\n\r\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection[Symbol.asyncDispose]();
  }

  get #body(): string {
    return this.connection.unread.slice(this.head.length + 4);
  }
}

/** Of an answer of flags: the value that an event is to have. */
export async function servedValue(url: string, key = clientKey): Promise<string> {
  const response = await fetch(`${url}/api/v1/flags/`, { headers: { "X-Environment-Key": key } });
  await response.body?.cancel();
  return response.headers.get("x-flagsmith-document-updated-at") ?? "";
}
