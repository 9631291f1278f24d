/**
 * nginx as a balancer in front of proxies, in a folder of its own that is gone afterwards. It must not touch
 * an nginx that the machine runs.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { freePort } from "./local-ports.ts";
import { eventually } from "./running-proxy.ts";
import { makeTemporaryFolder } from "./temporary-folder.ts";

/** Where it is; null where there is none. Debian keeps it outside the `PATH` of users. */
export const nginxPath = findNginx();

function findNginx(): string | null {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"];
  return folders.map((folder) => join(folder, "nginx")).find((file) => existsSync(file)) ?? null;
}

export interface NginxOptions {
  /** What it balances: ports of 127.0.0.1. */
  readonly upstreamPorts: readonly number[];
  /** Behind each `server` line, such as `max_fails=0`. */
  readonly serverParameters?: string;
  /** Further directives of the `upstream` block. */
  readonly upstreamLines?: readonly string[];
  /** Further directives of the `location` block. */
  readonly locationLines?: readonly string[];
}

export interface RunningNginx extends AsyncDisposable {
  readonly port: number;
  /** What it wrote to its error log so far: each failed attempt at an upstream is a line. */
  errors(): string;
}

/** Starts it with 64 kept connections to its upstreams, by HTTP/1.1; resolves when it listens. */
export async function startNginx(options: NginxOptions): Promise<RunningNginx> {
  if (nginxPath === null) throw new Error("there is no nginx");
  await using stack = new AsyncDisposableStack();
  const { path: folder } = stack.use(makeTemporaryFolder("nginx"));
  const port = await freePort();
  writeFileSync(join(folder, "nginx.conf"), configuration(folder, port, options));
  const errorLog = join(folder, "error.log");
  // Without `-e` it would first open the log of the machine's own.
  const words = ["-p", folder, "-e", errorLog, "-c", join(folder, "nginx.conf")];
  const child = spawn(nginxPath, words, { stdio: "ignore" });
  const ended = once(child, "close");
  stack.defer(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  await eventually(async () => (await fetch(`http://127.0.0.1:${port}/balancer`)).status === 204);
  const owned = stack.move();
  return {
    port,
    errors: () => readFileSync(errorLog, "utf8"),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function configuration(folder: string, port: number, options: NginxOptions): string {
  const { upstreamPorts, serverParameters = "", upstreamLines = [], locationLines = [] } = options;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log error;
events { worker_connections 4096; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join("\n  ")}
  upstream proxies {
    ${upstreamPorts.map((each) => `server 127.0.0.1:${each} ${serverParameters};`).join("\n    ")}
    keepalive 64;
    ${upstreamLines.join("\n    ")}
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    keepalive_requests 1000000000;
    location = /balancer { return 204; }
    location / {
      proxy_pass http://proxies;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      ${locationLines.join("\n      ")}
    }
  }
}
`;
}
