/** Documents in files: when a file is read again, and what is said where it cannot be. */
import { execFileSync } from "node:child_process";
import { constants } from "node:fs";
import { mkdtemp, open, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Clock, systemClock } from "../../../src/services/clock.ts";
import { joinBlocks } from "../../../src/services/documents/page-blocks.ts";
import { DocumentFiles } from "../../../src/services/upstream/document-files.ts";
import { readMsMax } from "../../../src/services/upstream/file-pieces.ts";

const writtenAt = new Date("2026-01-01T00:00:00Z");

/** A folder with files whose time is always the same, and what reads those that are named. */
async function startFiles(bytesMax = 1000, clock: Pick<Clock, "monotonicMs" | "sleep"> = systemClock) {
  const folder = await mkdtemp(resolve(tmpdir(), "document-files-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const pathOf = (name: string) => resolve(folder, name);
  const write = async (name: string, text: string) => {
    await writeFile(pathOf(`${name}.new`), text);
    await utimes(pathOf(`${name}.new`), writtenAt, writtenAt);
    await rename(pathOf(`${name}.new`), pathOf(name));
  };
  const environmentIn = (name: string) => [
    { clientSideKey: "client", serverSideKey: "ser.key", file: pathOf(name) },
  ];
  const files = new DocumentFiles([], bytesMax, clock);
  /** @returns the text; `not-modified`, or the code of the error, in its place */
  const read = async (
    ifModifiedSince: string | null = writtenAt.toUTCString(),
    hasTime = true,
  ): Promise<string> => {
    try {
      const answer = await files.fetchDocument({ serverKey: "ser.key", ifModifiedSince });
      if (answer.kind === "not-modified") return answer.kind;
      if (hasTime) expect(answer.lastModified).toBe(writtenAt.toUTCString());
      return answer.pages.map((blocks) => new TextDecoder().decode(joinBlocks(blocks))).join();
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  return { files, read, write, pathOf, use: (name: string) => files.setEnvironments(environmentIn(name)) };
}

it("reads a file again when somebody wants it whatever its date, and else when it has changed", async () => {
  const { read, use, write } = await startFiles();
  await write("a", '{"id":1}');
  use("a");
  expect(await read(null)).toBe('{"id":1}');
  expect(await read()).toBe("not-modified");
  expect(await read(null)).toBe('{"id":1}');
  await write("a", '{"id":12}');
  expect(await read()).toBe('{"id":12}');
  expect(await read()).toBe("not-modified");
});

it("sees a file that was replaced by one of the same size and time", async () => {
  const { pathOf, read, use, write } = await startFiles();
  await write("a", '{"id":1}');
  use("a");
  await read(null);
  await write("a", '{"id":2}');
  expect((await stat(pathOf("a"))).mtime).toEqual(writtenAt);
  expect(await read()).toBe('{"id":2}');
});

it("sees that another file is named, of the same size and time", async () => {
  const { read, use, write } = await startFiles();
  await write("a", '{"id":1}');
  await write("b", '{"id":2}');
  use("a");
  await read(null);
  use("b");
  expect(await read()).toBe('{"id":2}');
});

it("says why there is no document", async () => {
  const { files, read, use, write } = await startFiles(10);
  expect([files.has("ser.key"), await read()]).toEqual([false, "no_file"]);
  use("a");
  expect([files.has("ser.key"), await read()]).toEqual([true, "no_file"]);
  await write("a", "x".repeat(11));
  expect(await read()).toBe("too_large");
  const signal = AbortSignal.abort(new Error("enough"));
  const request = { serverKey: "ser.key", ifModifiedSince: null, signal };
  await expect(files.fetchDocument(request)).rejects.toThrow("enough");
});

it("of what has no size and no end, no more is read than a document may have", async () => {
  const { read, use } = await startFiles(1_000_000);
  use("/dev/zero");
  expect(await read(null)).toBe("too_large");
});

describe("a pipe", () => {
  /** One that tests write to without waiting for a reader. */
  async function startPipe(clock?: Pick<Clock, "monotonicMs" | "sleep">) {
    const files = await startFiles(1000, clock);
    execFileSync("mkfifo", [files.pathOf("pipe")]);
    files.use("pipe");
    const openPipe = async () => {
      const writer = await open(files.pathOf("pipe"), constants.O_RDWR | constants.O_NONBLOCK);
      onTestFinished(() => writer.close().catch(() => undefined));
      return writer;
    };
    return { ...files, openPipe, readPipe: () => files.read(null, false) };
  }

  it("that nobody writes to is empty, at once", async () => {
    const { readPipe } = await startPipe();
    expect(await Promise.all(Array.from({ length: 8 }, readPipe))).toEqual(Array(8).fill(""));
  });

  it("is read to its end, however slowly it comes", async () => {
    const { openPipe, readPipe } = await startPipe();
    const writer = await openPipe();
    const reading = readPipe();
    for (const part of ['{"id"', ":1", "}"]) {
      await writer.write(part);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await writer.close();
    expect(await reading).toBe('{"id":1}');
  });

  it("that never ends is given up, or when somebody wants no more of it", async () => {
    const time = { ms: 0 };
    const clock = {
      monotonicMs: () => time.ms,
      async sleep(ms: number) {
        time.ms += ms;
      },
    };
    const { files, openPipe, readPipe } = await startPipe(clock);
    await openPipe();
    expect(await readPipe()).toBe("no_file");
    expect(time.ms).toBe(readMsMax);
    const stop = new AbortController();
    const request = { serverKey: "ser.key", ifModifiedSince: null, signal: stop.signal };
    const reading = files.fetchDocument(request);
    stop.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
  });
});
