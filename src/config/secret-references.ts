/**
 * Replaces `${NAME}` and `${file:PATH}` inside text settings by variables and files (contract A12). It must
 * never show what they hold.
 */
import { resolve } from "node:path";
import type { ConfigFault } from "../models/errors.ts";
import { type ConfigTree, isTree, joinPath } from "./config-tree.ts";
import type { Environment } from "./environment-variables.ts";
import type { FileReader } from "./text-file.ts";

/** Where references lead. */
interface ReferenceContext {
  readonly environment: Environment;
  /** The folder that relative paths start from: that of the configuration file. */
  readonly directory: string;
  readonly readFile: FileReader;
}

/** Formats of Python's logging live here, and `${…}` has another meaning in them. */
const literalPath = "logging.override";

const reference = /\$\$\{|\$\{([^{}]*)\}|\$\{/g;

/**
 * Expands all references. A setting with a broken one becomes undefined, and a fault at its path.
 *
 * @param tree raw settings under their own names
 */
export function expandReferences(
  tree: ConfigTree,
  context: ReferenceContext,
): { tree: ConfigTree; faults: ConfigFault[] } {
  const faults: ConfigFault[] = [];
  const expand = (value: unknown, path: string): unknown => {
    if (path === literalPath) return value;
    if (typeof value === "string") return expandText(value, path, context, faults);
    if (Array.isArray(value)) return value.map((each, index) => expand(each, `${path}[${index}]`));
    return isTree(value) ? expandTree(value, path) : value;
  };
  const expandTree = (value: ConfigTree, path: string): ConfigTree =>
    Object.fromEntries(
      Object.entries(value).map(([name, child]) => [name, expand(child, joinPath(path, name))]),
    );
  return { tree: expandTree(tree, ""), faults };
}

function expandText(
  text: string,
  path: string,
  context: ReferenceContext,
  faults: ConfigFault[],
): string | undefined {
  const before = faults.length;
  const expanded = text.replace(reference, (match, name: string | undefined) => {
    if (match === "$${") return "${";
    const reading = readReference(name, context);
    if (typeof reading === "string") return reading;
    faults.push({ path, ...reading });
    return "";
  });
  return faults.length === before ? expanded : undefined;
}

function readReference(
  name: string | undefined,
  context: ReferenceContext,
): string | { fault: string; remedy: string } {
  if (name?.startsWith("file:") === true) return readSecretFile(name.slice(5), context);
  if (name === undefined || !/^[A-Za-z_]\w*$/.test(name)) {
    return {
      fault: "it holds ${ without a variable's name or file:PATH and a closing brace",
      remedy: "Correct the reference, or write $${ where ${ itself is meant.",
    };
  }
  const value = context.environment[name];
  if (value !== undefined) return value;
  return {
    fault: `it refers to the variable ${name}, which is not set`,
    remedy: `Set ${name}, or write $\${ where \${ itself is meant.`,
  };
}

/** Editors and `echo` end a file with a line break, which is no part of the secret. */
function readSecretFile(path: string, context: ReferenceContext): string | { fault: string; remedy: string } {
  const reading = context.readFile(resolve(context.directory, path));
  if (reading.text !== null) return reading.text.replace(/\r?\n$/, "");
  return {
    fault: `it refers to ${path}, which is ${reading.fault}`,
    remedy: "Correct the path; a relative one starts at the configuration file's folder.",
  };
}
