/** What `export` writes, and where: whole documents of the right environment, in place of whole files. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { exportDocument } from "../../src/commands/export.ts";
import { makeFolder } from "../config/config-folder.ts";
import { documentOfKey, listed } from "../support/discovered.ts";
import { discoveryPath, proxyKey, startFaultUpstream } from "../support/fault-upstream.ts";
import { type ConfigTree, configFor, demoDocumentText, serverKey } from "../support/running-proxy.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

/** An upstream that sends this text, and a folder to export to. */
async function start(text: string = demoDocumentText, config: ConfigTree = {}) {
  const upstream = await startFaultUpstream();
  onTestFinished(() => upstream[Symbol.asyncDispose]());
  upstream.setDocument(serverKey, demoDocumentText);
  upstream.setMode(serverKey, "body", { body: text });
  const folder = makeTemporaryFolder("exported-documents");
  onTestFinished(() => folder[Symbol.dispose]());
  const configPath = join(makeFolder(configFor(upstream, config)), "config.json");
  const run = async (file: string, environment = "1") => {
    const written = { stdout: "", stderr: "" };
    const output = {
      stdout: { write: (text: string) => (written.stdout += text) },
      stderr: { write: (text: string) => (written.stderr += text) },
    };
    const options = { configPath, environment, file, version: "0.0.0-test" };
    return { exitCode: await exportDocument(output, options), ...written };
  };
  return { upstream, run, pathOf: (name: string) => join(folder.path, name) };
}

const modeOf = (path: string) => statSync(path).mode & 0o777;

it.each([
  ["an empty object", "{}", "not an environment document"],
  ["another object", '{"a":1}', "not an environment document"],
  ["a document that was cut off", demoDocumentText.slice(0, -20), "not JSON"],
  ["a document with something behind it", `${demoDocumentText}x`, "not JSON"],
  ["a web page", "<html></html>", "not a JSON object"],
  ["another environment's document", documentOfKey("another"), "api_key is not the client key"],
])("%s is not exported, and the file stays as it was", async (_, text, reason) => {
  const { pathOf, run } = await start(text);
  const path = pathOf("environment.json");
  writeFileSync(path, "good");
  const { exitCode, stderr } = await run(path);
  expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^not exported: [^\n]+\n$/)]);
  expect(stderr).toContain(reason);
  expect(readFileSync(path, "utf8")).toBe("good");
  expect(await run("-")).toMatchObject({ exitCode: 1, stdout: "" });
  expect((await run(pathOf("new"))).exitCode).toBe(1);
  expect(readdirSync(pathOf("."))).toEqual(["environment.json"]);
});

it("a discovered environment's document has to be its own too", async () => {
  const discovering = { environment_key_pairs: [], proxy_key: proxyKey };
  const { pathOf, run, upstream } = await start(documentOfKey("another"), discovering);
  upstream.setDocument(discoveryPath, [listed("one", serverKey)]);
  const { exitCode, stderr } = await run(pathOf("a"), "one");
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining("api_key is not the client key")]);
});

it("a new file and one that is replaced are for their owner alone, and nothing else is left", async () => {
  const { pathOf, run } = await start();
  writeFileSync(pathOf("old"), "x".repeat(1_000_000));
  chmodSync(pathOf("old"), 0o664);
  for (const name of ["old", "new"]) {
    expect((await run(pathOf(name))).exitCode).toBe(0);
    expect([readFileSync(pathOf(name), "utf8"), modeOf(pathOf(name))]).toEqual([demoDocumentText, 0o600]);
  }
  expect(readdirSync(pathOf("."))).toEqual(["new", "old"]);
});

it("who has the old file open reads it to its end", async () => {
  const { pathOf, run } = await start();
  writeFileSync(pathOf("a"), "old");
  const { ino } = statSync(pathOf("a"));
  await run(pathOf("a"));
  expect(statSync(pathOf("a")).ino).not.toBe(ino);
});

it("a link stays, and what it leads to is replaced, there or not", async () => {
  const { pathOf, run } = await start();
  mkdirSync(pathOf("folder"));
  writeFileSync(pathOf("folder/file"), "old");
  for (const name of ["file", "absent"]) {
    symlinkSync(`folder/${name}`, pathOf(name));
    expect((await run(pathOf(name))).exitCode).toBe(0);
    expect(readlinkSync(pathOf(name))).toBe(`folder/${name}`);
    expect(readFileSync(pathOf(`folder/${name}`), "utf8")).toBe(demoDocumentText);
    expect(modeOf(pathOf(`folder/${name}`))).toBe(0o600);
  }
});

it("a pipe is written to", async () => {
  const { pathOf, run } = await start();
  execFileSync("mkfifo", [pathOf("pipe")]);
  const reader = spawn("cat", [pathOf("pipe")]);
  let read = "";
  reader.stdout.on("data", (chunk: Buffer) => (read += chunk.toString()));
  const [{ exitCode }] = await Promise.all([run(pathOf("pipe")), once(reader, "close")]);
  expect([exitCode, read]).toEqual([0, demoDocumentText]);
  expect(statSync(pathOf("pipe")).isFIFO()).toBe(true);
});

it("a file that is open already is written to by its descriptor, and stays", async () => {
  const { pathOf, run } = await start();
  const descriptor = openSync(pathOf("a"), "w");
  onTestFinished(() => closeSync(descriptor));
  for (const path of [`/dev/fd/${descriptor}`, `/proc/self/fd/${descriptor}`]) {
    expect((await run(path)).exitCode).toBe(0);
    expect([readFileSync(pathOf("a"), "utf8"), statSync(pathOf("a")).ino]).toEqual([
      demoDocumentText,
      fstatSync(descriptor).ino,
    ]);
  }
});

it("a folder that is not there, or is in the file's place, is one clear line", async () => {
  const { pathOf, run } = await start();
  for (const [path, code] of [
    [pathOf("absent/file"), "ENOENT"],
    [pathOf("."), "EISDIR"],
  ] as const) {
    const { exitCode, stderr } = await run(path);
    expect([exitCode, stderr]).toEqual([1, `not exported: the file cannot be written: ${code}\n`]);
  }
});
