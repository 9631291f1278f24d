/** What `render-config` prints starts the proxy as it is. */
import { expect, test } from "vitest";
import { renderConfig } from "../../src/commands/render-config.ts";
import { configFileSchema } from "../../src/config/config-file-schema.ts";
import { settingPaths } from "../../src/config/config-tree.ts";
import { settingsFrom } from "../../src/config/load-settings.ts";
import { load } from "../config/config-folder.ts";

function render(): string {
  const written: string[] = [];
  expect(renderConfig({ stdout: { write: (text: string) => written.push(text) } })).toBe(0);
  return written.join("");
}

test("each default is the schema's, and the file means what an empty one means", () => {
  const { environment_key_pairs: pairs, ...rendered } = JSON.parse(render()) as Record<string, unknown>;
  const { environment_key_pairs: _, ...defaults } = configFileSchema.parse({});
  expect(rendered).toEqual(defaults);
  expect(settingsFrom(rendered)).toEqual(settingsFrom({}));
  expect(pairs).toHaveLength(1);
});

test("every setting is in it, those under a null apart", () => {
  const rendered = JSON.parse(render()) as Record<string, unknown>;
  const underNull = /^(?:endpoint_caches|server\.tls|server\.rate_limit)\./;
  for (const path of settingPaths().filter((each) => !underNull.test(each))) {
    const names = path.replace("[]", ".0").split(".");
    const value = names.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], rendered);
    expect(value, path).not.toBeUndefined();
  }
});

test("it loads without a fault; the placeholders alone are warned of", () => {
  const { settings, warnings } = load(render());
  expect(settings.environments).toHaveLength(1);
  expect(warnings).toEqual([
    {
      path: "environment_key_pairs[0]",
      message: "it holds a placeholder of render-config in place of a key",
    },
  ]);
});
