/**
 * Puts a git revision of this proxy into a folder of its own, with packages to run it. It changes neither
 * the working tree nor the index.
 */
import { execFile } from "node:child_process";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Side } from "./compare-options.ts";
import { ComparisonError, UsageError } from "./comparison-errors.ts";

export interface Checkout extends AsyncDisposable {
  readonly name: string;
  readonly mainFile: string;
  /** What a reader of the figures should know. */
  readonly notes: readonly string[];
}

const repository = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);

/**
 * @param revision whatever git takes for one; `.` or `working-tree` is the tree as it stands
 * @param installs whether its packages come from `npm ci`, not from the present `node_modules`
 * @throws UsageError where there is no such revision, or no proxy in it
 */
export async function checkOut(
  revision: string,
  { side, scratch, installs }: { readonly side: Side; readonly scratch: string; readonly installs: boolean },
): Promise<Checkout> {
  if (revision === "." || revision === "working-tree") return workingTree();
  const commit = await git("rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`)
    .then((text) => text.trim())
    .catch((error: Error) => {
      throw new UsageError(`${side}: git knows no revision '${revision}'`, { cause: error });
    });
  const folder = join(scratch, `revision-${side}`);
  // A hook of the user has no business in a tree that nobody works in.
  await git("-c", "core.hooksPath=/dev/null", "worktree", "add", "--detach", "--quiet", folder, commit);
  const dispose = async () => {
    await git("worktree", "remove", "--force", folder);
  };
  try {
    const mainFile = join(folder, "src", "main.ts");
    if (!existsSync(mainFile)) throw new UsageError(`${side}: revision '${revision}' has no src/main.ts`);
    const notes = installs ? [] : lockNotes(side, folder);
    if (installs) await installPackages(folder, side);
    else symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
    const short = commit.slice(0, 7);
    const name = commit.startsWith(revision) ? short : `${revision} (${short})`;
    return { name, mainFile, notes, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function workingTree(): Checkout {
  const mainFile = join(repository, "src", "main.ts");
  return { name: "working tree", mainFile, notes: [], [Symbol.asyncDispose]: async () => undefined };
}

async function git(...args: string[]): Promise<string> {
  const { stdout } = await run("git", ["-C", repository, ...args], { encoding: "utf8" });
  return stdout;
}

async function installPackages(folder: string, side: Side): Promise<void> {
  await run("npm", ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: folder,
  }).catch((error: Error) => {
    throw new ComparisonError(`${side}: npm ci failed: ${error.message}`, { cause: error });
  });
}

/** Says which packages the revision runs with in other versions than it was made for. */
function lockNotes(side: Side, folder: string): string[] {
  const locked = lockedVersions(join(folder, "package-lock.json"));
  const installed = lockedVersions(join(repository, "node_modules", ".package-lock.json"));
  if (locked === null || installed === null)
    return [`${side} runs with the packages of this checkout; there is no lockfile to compare them by`];
  const other = [...locked].filter(([name, version]) => installed.get(name) !== version);
  if (other.length === 0) return [];
  const shown = other.slice(0, 5).map(([name, version]) => {
    return `${name} ${version} → ${installed.get(name) ?? "none"}`;
  });
  const more = other.length > 5 ? ` and ${other.length - 5} more` : "";
  return [`${side} runs with other packages than its lockfile has (--install): ${shown.join(", ")}${more}`];
}

/** The packages that the proxy runs with, by name; null where there is no such file. */
function lockedVersions(file: string): Map<string, string> | null {
  if (!existsSync(file)) return null;
  const { packages } = JSON.parse(readFileSync(file, "utf8")) as {
    packages: Record<string, { version?: string; dev?: boolean; optional?: boolean }>;
  };
  const lasting = Object.entries(packages).filter(([path, { dev, optional }]) => path && !dev && !optional);
  return new Map(lasting.map(([path, { version }]) => [path.replace(/^node_modules\//, ""), version ?? ""]));
}
