/** The document of the settings tells the truth: each setting is in it, with its default. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { configFileSchema, settingAliases } from "../../src/config/config-file-schema.ts";
import { isTree, settingPaths } from "../../src/config/config-tree.ts";
import { classifiedPaths, classOf } from "../../src/config/setting-classes.ts";
import { faultsOf, pair } from "./config-folder.ts";

const text = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");
const rows = new Map(
  [...text.matchAll(/^\| `([a-z_.[\]]+)` *\| (.*) \|$/gm)].map((match) => [
    match[1] ?? "",
    (match[2] ?? "").split(" | ").map((cell) => cell.trim()),
  ]),
);

const cache = { flags: {}, identities: {}, environment_document: {} };
const tls = { certificate_file: "a", key_file: "b" };
const sections = { endpoint_caches: cache, server: { tls, rate_limit: {} } };
const defaults = configFileSchema.parse({ ...sections, environment_key_pairs: [pair] });

/** What the document must give as the default of a setting. */
function expectedDefault(path: string): string {
  if (path === "environment_key_pairs[].file") return "`null`";
  if (path.startsWith("environment_key_pairs[].")) return "required";
  if (/^server\.tls\.\w+_file$/.test(path)) return "required";
  if (path === "environment_key_pairs") return "`[]`";
  if (/^endpoint_caches(\.\w+)?$|^server\.(tls|rate_limit)$/.test(path)) return "`null`";
  const value = path.split(".").reduce<unknown>((at, name) => (isTree(at) ? at[name] : undefined), defaults);
  return isTree(value) && path !== "logging.override" ? "as below" : `\`${JSON.stringify(value)}\``;
}

test("the document's tables list exactly the settings of the schema", () => {
  expect([...rows.keys()].sort()).toEqual(settingPaths().sort());
  expect(rows.size).toBeGreaterThan(60);
});

test.each(settingPaths())("%s is documented with its default", (path) => {
  expect(rows.get(path)?.[1]).toBe(expectedDefault(path));
});

test("the document lists exactly the settings that count while the proxy runs", () => {
  const start = text.indexOf("## Changes while the proxy runs");
  const list = text.slice(text.indexOf("\n- ", start), text.indexOf("\n\nAll others", start));
  const listed = [...list.matchAll(/`([^`]+)`/g)].map(([, path]) => path);
  expect(listed.sort()).toEqual(classifiedPaths.filter((path) => classOf(path) === "live").sort());
});

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

test.each(settingPaths().filter((path) => expectedDefault(path) !== "as below"))(
  "%s is in the README's table with its default",
  (path) => expect(readme).toContain(`\n| \`${path}\` | ${expectedDefault(path)} | `),
);

test.each(Object.entries(settingAliases))("the alias %s is documented", (alias, name) => {
  const section = alias.split(".").slice(0, -1);
  expect(rows.get([...section, name].join("."))?.[3]).toContain(`\`${alias.split(".").at(-1)}\``);
});

test("the document's examples of faults are what is reported", () => {
  const faults = faultsOf(
    {
      environment_key_pairs: [{ ...pair, server_side_key: "abc" }],
      allow_origins: ["*", 7],
      server: { port: 70_000 },
    },
    { API_POLL_FREQUENCY: "soon" },
  );
  expect(faults).toHaveLength(4);
  faults.push(...faultsOf('{\n  "api_url": "x",\n  "server": {},\n}'));
  for (const fault of faults) expect(text).toContain(`\n${fault.replace("CONFIG", "./config.json")}\n`);
});
