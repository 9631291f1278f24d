/** What ships: the bundled modules, in a folder with nothing beside them but what the package has. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundle } from "../../build/bundle.ts";
import { startFaultUpstream } from "../support/fault-upstream.ts";
import {
  configFor,
  demoDocumentWith,
  eventually,
  getFlags,
  postIdentity,
  repositoryFolder,
  runCommand,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";

const built = makeTemporaryFolder("built");
const folder = built.path;
const dist = join(folder, "dist");
const main = join(dist, "main.js");

beforeAll(async () => {
  for (const name of ["package.json", "examples"]) {
    cpSync(join(repositoryFolder, name), join(folder, name), { recursive: true });
  }
  await bundle(dist);
});

afterAll(() => built[Symbol.dispose]());

it("serves a document that a process of its own reads, by one process and by workers", async () => {
  await using upstream = await startFaultUpstream();
  const text = "large ".repeat(60_000);
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: text }));
  for (const workers of [1, 2]) {
    await using running = startProxyProcess({ main, config: configFor(upstream, { server: { workers } }) });
    const url = await running.url();
    const answer = async () => await (await postIdentity(url, { identifier: "alice" })).text();
    // Each worker has it when it has it: the next question may be the other's.
    await eventually(async () =>
      (await Promise.all([answer(), answer()])).every((each) => each.includes(text)),
    );
    expect(running.stderr()).toBe("");
    running.kill("SIGTERM");
    expect(await running.exit).toEqual({ code: 0, signal: null });
  }
});

it("refuses to have a document read by a program of another build, and serves on", async () => {
  await using upstream = await startFaultUpstream();
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "small" }));
  await using running = startProxyProcess({ main, config: configFor(upstream) });
  const url = await running.url();
  await eventually(async () => (await getFlags(url)).status === 200);
  const files = readdirSync(dist).filter((name) => name.endsWith(".js"));
  const codes = files.map((name) => readFileSync(join(dist, name), "utf8"));
  const identity = /buildIdentity = "([0-9a-f]{16})"/.exec(codes.join())?.[1] ?? "none";
  // An upgrade in place: every file is another one, the names are the same.
  for (const [index, name] of files.entries()) {
    writeFileSync(join(dist, name), (codes[index] ?? "").replaceAll(identity, "of another build"));
  }
  try {
    upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "large ".repeat(60_000) }));
    await eventually(() => running.stdout().includes("restart the proxy"));
    expect(running.stdout()).toContain('"code":"reader_failed"');
    expect(await (await getFlags(url)).text()).toContain('"small"');
  } finally {
    for (const [index, name] of files.entries()) writeFileSync(join(dist, name), codes[index] ?? "");
  }
  await eventually(async () => (await (await getFlags(url)).text()).includes("large large"));
});

it("finds the package's version and the demo's example", async () => {
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  expect(await runCommand({ main, words: ["--version"] })).toMatchObject({ code: 0, stdout: `${version}\n` });
  await using demo = startProxyProcess({ main, words: ["demo", "--port", "0"] });
  await eventually(() => demo.stdout().includes(join(folder, "examples/environment.json")));
  await eventually(async () => (await getFlags(await demo.url())).status === 200);
});

it("tells where in the source an error is from, with source maps on", async () => {
  const broken = { main, words: ["--version"], environment: { NODE_OPTIONS: "--enable-source-maps" } };
  rmSync(join(folder, "package.json"));
  const { code, stderr } = await runCommand(broken);
  cpSync(join(repositoryFolder, "package.json"), join(folder, "package.json"));
  expect(code).toBe(1);
  expect(stderr).toMatch(/at readVersion \(.*src\/commands\/command-line\.ts:\d+:\d+\)/);
});

it("loads of the proxy only what a command needs, and keeps modules in one byte a character", () => {
  const codeOf = (file: string): string => readFileSync(join(dist, file), "utf8");
  const loadedBy = (file: string): string[] => {
    const imported = [...codeOf(file).matchAll(/^import .*"\.\/(.+)";$/gm)].map(([, name = ""]) => name);
    return [file, ...imported.flatMap(loadedBy)];
  };
  const code = (file: string): string => loadedBy(file).map(codeOf).join();
  for (const library of ["node_modules/undici", "node_modules/hono", "node_modules/pino-pretty"]) {
    expect(code("serve.js")).toContain(library);
    expect(code("main.js") + code("health.js")).not.toContain(library);
  }
  expect(code("worker.js")).not.toContain("node_modules/undici");
  for (const file of readdirSync(dist).filter((name) => name.endsWith(".js"))) {
    expect(codeOf(file)).not.toMatch(/[^\0-\xff]/);
  }
});

it("carries the licence of each library in it", () => {
  const { dependencies } = JSON.parse(readFileSync(join(repositoryFolder, "package.json"), "utf8"));
  const licences = readFileSync(join(dist, "THIRD-PARTY-LICENSES.txt"), "utf8");
  for (const [name, version] of Object.entries(dependencies))
    expect(licences).toContain(`${name} ${version} (`);
});
