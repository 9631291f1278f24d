/** Documents in files: when a file is read again, and what is said where it cannot be. */
import { mkdtemp, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { joinBlocks } from "../../../src/services/documents/page-blocks.ts";
import { DocumentFiles } from "../../../src/services/upstream/document-files.ts";

const writtenAt = new Date("2026-01-01T00:00:00Z");

/** A folder with files whose time is always the same, and what reads those that are named. */
async function startFiles(bytesMax = 1000) {
  const folder = await mkdtemp(join(tmpdir(), "document-files-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const pathOf = (name: string) => join(folder, name);
  const write = async (name: string, text: string) => {
    await writeFile(pathOf(`${name}.new`), text);
    await utimes(pathOf(`${name}.new`), writtenAt, writtenAt);
    await rename(pathOf(`${name}.new`), pathOf(name));
  };
  const environmentIn = (name: string) => [
    { clientSideKey: "client", serverSideKey: "ser.key", file: pathOf(name) },
  ];
  const files = new DocumentFiles([], bytesMax);
  /** @returns the text; `not-modified`, or the code of the error, in its place */
  const read = async (ifModifiedSince: string | null = writtenAt.toUTCString()): Promise<string> => {
    try {
      const answer = await files.fetchDocument({ serverKey: "ser.key", ifModifiedSince });
      if (answer.kind === "not-modified") return answer.kind;
      expect(answer.lastModified).toBe(writtenAt.toUTCString());
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
