/**
 * Makes what ships: the proxy's files and its libraries, joined into a few modules. To load them from 400
 * files took a third of the start. It must not change what the code does.
 */
import { hash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type OutputChunk, type Plugin, rolldown } from "rolldown";
import { buildIdentity } from "../src/services/documents/reader-protocol.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** A library with binaries, one for each platform: it cannot be joined with others. */
const nativePackage = "classic-level";

/** Files that are started by their path: each stays a file, beside those that start it. */
const entries = {
  main: "src/main.ts",
  worker: "src/worker.ts",
  admin: "src/admin.ts",
  "reader-program": "src/services/documents/reader-program.ts",
  "store-program": "src/services/persistence/store-program.ts",
};

/**
 * @param folder is emptied, and gets the modules, their source maps and the libraries' licences
 * @throws Error where something does not build, or a library has no licence
 */
export async function bundle(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  await using build = await rolldown({
    cwd: root,
    input: entries,
    platform: "node",
    external: [nativePackage],
    plugins: [nameBuild, escapeCharacters],
    onLog: (level, { message }) => {
      if (level === "warn") throw new Error(message);
    },
  });
  const { output } = await build.write({
    dir: folder,
    // All in one folder, so that a file is beside another whatever module asks for it.
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
    sourcemap: true,
    comments: { legal: true, annotation: false, jsdoc: false },
  });
  const modules = output.filter((each): each is OutputChunk => each.type === "chunk");
  const copied = copyPackage(nativePackage, folder).map((each) => join(each, "package.json"));
  const licences = licencesOf([...modules.flatMap(({ moduleIds }) => moduleIds), ...copied]);
  writeFileSync(join(folder, "THIRD-PARTY-LICENSES.txt"), licences);
}

/**
 * Copies a package and what it needs to the folder's `node_modules`, without what it is compiled from.
 * @returns the folders that were copied from
 */
function copyPackage(name: string, folder: string): string[] {
  const from = join(root, "node_modules", name);
  cpSync(from, join(folder, "node_modules", name), {
    recursive: true,
    filter: (file) => !notShipped.test(file.slice(from.length)),
  });
  const { dependencies = {} } = JSON.parse(readFileSync(join(from, "package.json"), "utf8"));
  return [from, ...Object.keys(dependencies).flatMap((each) => copyPackage(each, folder))];
}

/** What a package is compiled from where it has no binary for a platform. */
const notShipped = /^\/(?:deps|node_modules)(?:\/|$)|\.(?:cc|gyp|h|d\.ts|md)$/;

/**
 * Processes of one proxy are of one build, or do not speak to each other: a digest of all code names it, in
 * place of what the source has.
 */
const nameBuild: Plugin = {
  name: "name-build",
  generateBundle: (_, files) => {
    const chunks = Object.values(files).filter((each) => each.type === "chunk");
    const digest = hash(
      "sha256",
      chunks
        .map(({ code }) => code)
        .sort()
        .join(),
    ).slice(0, 16);
    const named = chunks.filter(({ code }) => code.includes(buildIdentity));
    if (named.length === 0) throw new Error("the build has no place for its name");
    for (const chunk of named) chunk.code = chunk.code.replaceAll(buildIdentity, digest);
  },
};

/** V8 keeps a module's text as long as it runs, in two bytes a character if one of them is beyond Latin-1. */
const escapeCharacters: Plugin = {
  name: "escape-characters",
  generateBundle: (_, files) => {
    for (const file of Object.values(files)) if (file.type === "chunk") file.code = escapeText(file.code);
  },
};

function escapeText(code: string): string {
  return code.replace(/[^\0-\xff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** The licence of each package that one of the files is from. */
function licencesOf(files: readonly string[]): string {
  const folders = files.flatMap((file) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  const licences = [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    if (file === undefined) throw new Error(`${name} has no licence beside it`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  });
  return licences.join(`\n${"-".repeat(80)}\n\n`);
}

if (import.meta.main) await bundle(join(root, "dist"));
