/**
 * Headless Chromium, and a page of its own origin to run scripts on. It must not reach the network: all it
 * loads comes from loopback.
 */
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { type Browser, chromium } from "playwright-core";
import { it } from "vitest";

/** Where Debian puts it; `CHROMIUM_PATH` names another place. */
const chromiumPath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium";
export const hasChromium = existsSync(chromiumPath);
if (!hasChromium) process.stderr.write(`browser tests are skipped: there is no ${chromiumPath}\n`);

/** A test that is skipped where there is no Chromium. */
export const inBrowser = it.skipIf(!hasChromium);

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

export interface PageServer extends AsyncDisposable {
  /** `http://localhost:…`: another origin than anything on 127.0.0.1. */
  readonly origin: string;
}

/** Serves a page that has loaded the Flagsmith browser SDK as `window.flagsmith`. */
export async function startPageServer(): Promise<PageServer> {
  const sdk = readFileSync(createRequire(import.meta.url).resolve("@flagsmith/flagsmith"));
  const page = `<!doctype html><title>test</title><script>var exports = {}, module = { exports };</script>
    <script src="/sdk.js"></script><script>window.flagsmith = exports.default;</script>`;
  const server = createServer((request, response) => {
    if (request.url === "/sdk.js") response.writeHead(200, { "content-type": "text/javascript" }).end(sdk);
    else if (request.url === "/") response.writeHead(200, { "content-type": "text/html" }).end(page);
    else response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
