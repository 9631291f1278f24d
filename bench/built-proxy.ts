/**
 * Builds the proxy as `npm run build` does, in a folder of its own, so that what ships is measured and the
 * checkout's `dist/` stays as it is; and modules of the benchmark likewise.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { bundle } from "../build/bundle.ts";

/** The source of the proxy's entry: `BENCH_MAIN` names another checkout's, for an A/B of two versions. */
export const mainFile: URL =
  process.env["BENCH_MAIN"] === undefined
    ? new URL("../src/main.ts", import.meta.url)
    : pathToFileURL(resolve(process.env["BENCH_MAIN"]));

const buildLimitMs = 120_000;

export interface BuiltProgram extends Disposable {
  readonly main: URL;
}

export interface BuiltProxy extends BuiltProgram {
  /** What the image sets: it decides on memory. */
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * @returns the proxy's entry in its built form; disposing it removes it
 * @throws Error where it does not build
 */
export async function buildProxy(): Promise<BuiltProxy> {
  const root = fileURLToPath(new URL("../", mainFile));
  using stack = new DisposableStack();
  const folder = stack.adopt(makeFolder(), removeFolder);
  // What the built form looks for beside its own folder; of libraries it has its own copies.
  copyFileSync(join(root, "package.json"), join(folder, "package.json"));
  await bundle(join(folder, "dist"));
  const environment = imageEnvironment(readFileSync(join(root, "Dockerfile"), "utf8"));
  return { ...kept(stack, join(folder, "dist", "main.js")), environment };
}

/** What the last stage sets, but for the place of its configuration. */
function imageEnvironment(dockerfile: string): Record<string, string> {
  const lastStage = dockerfile.slice(dockerfile.lastIndexOf("\nFROM ")).replaceAll("\\\n", " ");
  const lines = [...lastStage.matchAll(/^ENV (.+)$/gm)].map(([, line = ""]) => line);
  const pairs = [...lines.join(" ").matchAll(/(\w+)=(?:"([^"]*)"|(\S*))/g)];
  return Object.fromEntries(
    pairs
      .map(([, name = "", quoted, plain]) => [name, quoted ?? plain ?? ""] as const)
      .filter(([name]) => name !== "CONFIG_PATH"),
  );
}

/**
 * Node's own stripping of types takes a process about 17 MiB and some milliseconds, which are not the
 * module's.
 * @param source a module that imports nothing but Node's
 * @returns the module in plain JavaScript; disposing it removes it
 */
export function buildModule(source: URL): BuiltProgram {
  using stack = new DisposableStack();
  const folder = stack.adopt(makeFolder(), removeFolder);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const options = ["--ignoreConfig", "--target", "esnext", "--module", "nodenext", "--types", "node"];
  compile([...options, "--skipLibCheck", "--outDir", folder, fileURLToPath(source)]);
  return kept(stack, join(folder, `${basename(fileURLToPath(source), ".ts")}.js`));
}

function compile(args: readonly string[]): void {
  const compiler = fileURLToPath(new URL("../node_modules/.bin/tsc", import.meta.url));
  const limits = { encoding: "utf8", timeout: buildLimitMs } as const;
  const { status, stdout, error } = spawnSync(process.execPath, [compiler, ...args], limits);
  if (status !== 0) throw new Error(`tsc failed: ${stdout}`, { cause: error });
}

function kept(stack: DisposableStack, file: string): BuiltProgram {
  const owned = stack.move();
  return { main: pathToFileURL(file), [Symbol.dispose]: () => owned.dispose() };
}

/** Where a signal ends the benchmark, nothing is disposed of. */
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "bench-build-"));
  process.once("exit", () => removeFolder(folder));
  return folder;
}

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
