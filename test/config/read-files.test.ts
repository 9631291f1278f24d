/** Which files a configuration was read of, and whether they hold the same as before. */
import { execFileSync, spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { ReadFiles } from "../../src/config/read-files.ts";
import { makeFolder } from "./config-folder.ts";

/** Writes it once somebody reads. */
function writeToPipe(path: string, text: string): void {
  const writer = spawn("sh", ["-c", 'printf %s "$1" > "$2"', "sh", text, path]);
  onTestFinished(() => void writer.kill("SIGKILL"));
}

it("a pipe is read once: a later reading waits for nobody", () => {
  const folder = makeFolder({}, { file: "first" });
  const [pipe, file] = [join(folder, "pipe"), join(folder, "file")];
  execFileSync("sh", ["-c", 'mkfifo "$1"', "sh", pipe]);
  const readings: string[] = [];
  let files: ReadFiles | null = null;
  for (const text of ["first", "second", "third"]) {
    writeToPipe(pipe, text);
    writeFileSync(file, text);
    files = new ReadFiles(files);
    readings.push(`${files.read(pipe).text} ${files.read(file).text}`);
  }
  expect(readings).toEqual(["first first", "first second", "first third"]);
  // A faulty configuration does not come to its references.
  const faulty = new ReadFiles(files);
  faulty.read(file);
  writeToPipe(pipe, "fourth");
  expect(new ReadFiles(faulty).read(pipe).text).toBe("first");
});

it("a file that becomes a pipe while the proxy runs is a fault, and not waited for", () => {
  const folder = makeFolder({}, { file: "first" });
  const file = join(folder, "file");
  const files = new ReadFiles();
  expect(files.read(file).text).toBe("first");
  rmSync(file);
  execFileSync("mkfifo", [file]);
  const fault = "a pipe or a device, which would be waited for";
  expect(new ReadFiles(files).read(file)).toEqual({ text: null, fault, missing: false });
});

it("the same files with the same contents have the same digest", () => {
  const folder = makeFolder({}, { file: "first" });
  const digestOf = (...names: string[]) => {
    const files = new ReadFiles();
    for (const name of names) files.read(join(folder, name));
    return files.digest();
  };
  const before = [digestOf("file"), digestOf("file", "missing")];
  expect([digestOf("file"), digestOf("file", "missing")]).toEqual(before);
  expect(before[0]).not.toBe(before[1]);
  writeFileSync(join(folder, "file"), "second");
  expect(before).not.toContain(digestOf("file"));
});
