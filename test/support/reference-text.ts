/** Reads files whose numbers must keep their text, for comparisons by type and number text. */
import { readFileSync } from "node:fs";
import { JsonNumber, parseJson } from "../../src/models/json.ts";

/** @param url of a JSON file; lines that are `//` comments are passed over */
export function readJsonFile(url: URL | string): unknown {
  return parseJson(readFileSync(url, "utf8").replace(/^\s*\/\/.*$/gm, ""));
}

/** JSON text of a value whose numbers kept theirs: two values are the same when their texts are. */
export function exactText(value: unknown): string {
  if (value instanceof JsonNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(exactText).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, each]) => `${JSON.stringify(key)}:${exactText(each)}`)
    .join(",")}}`;
}
