/** The demo's upstream while its files are edited: editors take a file away before they put it back. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { startDemoUpstream } from "../../src/commands/demo-upstream.ts";
import { makeFolder } from "../config/config-folder.ts";
import { listed } from "../support/discovered.ts";

it("a file that is away for a moment is an answer of 500, and no end", async () => {
  const listText = JSON.stringify([listed("client", "ser.server")]);
  const folder = makeFolder({}, { "list.json": listText, "document.json": "{}" });
  const fileOf = (name: string) => pathToFileURL(join(folder, name));
  const files = { documentFile: fileOf("document.json"), listFile: fileOf("list.json") };
  await using upstream = await startDemoUpstream({ ...files, proxyKey: "proxy" });
  const headers = { "X-Proxy-Key": "proxy", "X-Environment-Key": "ser.server" };
  const ask = async (path: string) => (await fetch(`${upstream.apiUrl}${path}`, { headers })).status;
  const [list, document] = ["/proxy/config/", "/environment-document/"];
  expect([await ask(list), await ask(document)]).toEqual([200, 200]);
  rmSync(files.documentFile);
  expect([await ask(list), await ask(document)]).toEqual([200, 500]);
  rmSync(files.listFile);
  expect([await ask(list), await ask(document)]).toEqual([500, 500]);
});
