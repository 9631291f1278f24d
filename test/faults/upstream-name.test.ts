/**
 * The name of the upstream leads elsewhere, or nowhere (reliability B23): the proxy runs in a mount namespace
 * with a hosts file of its own, which the tests change while it runs. Flags are served all the while.
 */
import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { type FaultUpstream, startFaultUpstream } from "../support/fault-upstream.ts";
import {
  clientKey,
  configFor,
  demoDocumentWith,
  eventually,
  getFlags,
  healthOf,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { makeTemporaryFolder } from "../support/temporary-folder.ts";
import { scaled } from "./fault-scale.ts";

const canMount =
  spawnSync("unshare", ["--mount", "mount", "--bind", "/etc/hosts", "/etc/hosts"]).status === 0;
if (!canMount) process.stdout.write("B23: skipped, needs root, unshare and mount\n");
const named = it.skipIf(!canMount).concurrent;

const name = "flags.test";
const oldAddress = "127.0.0.2";
const newAddress = "127.0.0.3";
/** Nobody listens there, so whatever no file has cannot be resolved, at once. */
const noNameServer = "127.0.0.4";
const silentNameServer = "127.0.0.5";

/** The files that names are resolved by, as the proxy sees them. */
interface Names extends Disposable {
  /** The command that runs a program with them. */
  readonly within: readonly string[];
  /** The addresses of the upstream's name from now on. */
  lead(...addresses: readonly string[]): void;
  askAt(nameServer: string): void;
}

function createNames(): Names {
  const folder = makeTemporaryFolder("names");
  const hosts = join(folder.path, "hosts");
  const resolver = join(folder.path, "resolv.conf");
  const mounts = `mount --bind ${hosts} /etc/hosts && mount --bind ${resolver} /etc/resolv.conf && exec "$@"`;
  const names: Names = {
    within: ["unshare", "--mount", "sh", "-c", mounts, "sh"],
    lead: (...addresses) => writeFileSync(hosts, addresses.map((each) => `${each} ${name}\n`).join("")),
    askAt: (nameServer) =>
      writeFileSync(resolver, `nameserver ${nameServer}\noptions timeout:1 attempts:1\n`),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
  names.askAt(noNameServer);
  return names;
}

async function startUpstream(banner: string, host: string, port = 0): Promise<FaultUpstream> {
  const upstream = await startFaultUpstream({ host, port });
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: banner }));
  return upstream;
}

/** The upstream knows the first one alone; the others want to connect too. */
const pairs = [clientKey, "two", "three", "four", "five", "six"].map((key) => ({
  client_side_key: key,
  server_side_key: key === clientKey ? serverKey : `ser.${key}`,
}));

/** A proxy that serves what the upstream behind the name has. */
async function startNamedProxy(names: Names, port: string) {
  const config = configFor(
    { apiUrl: `http://${name}:${port}/api/v1` },
    { api_poll_timeout_seconds: 1, environment_key_pairs: pairs },
  );
  const proxy = startProxyProcess({ config, within: names.within });
  const url = await proxy.url();
  const isServed = async (banner: string) => (await (await getFlags(url)).text()).includes(`"${banner}"`);
  const reason = async () => (await healthOf(url)).environments[0]?.reason;
  return { url, isServed, reason, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() };
}

const portOf = ({ origin }: FaultUpstream) => new URL(origin).port;

/** A proxy that serves what the old address of the name has; another upstream listens at the new one. */
async function startBetweenTwo(names: Names) {
  await using stack = new AsyncDisposableStack();
  const former = stack.use(await startUpstream("old", oldAddress));
  stack.use(await startUpstream("new", newAddress, Number(portOf(former))));
  names.lead(oldAddress);
  const proxy = stack.use(await startNamedProxy(names, portOf(former)));
  await eventually(() => proxy.isServed("old"));
  const owned = stack.move();
  return { former, proxy, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

named("B23 the name leads to another address: it is used once the old one is dead", async () => {
  using names = createNames();
  await using running = await startBetweenTwo(names);
  const { former, proxy } = running;
  names.lead(newAddress);
  await former.refuse();
  await eventually(() => proxy.isServed("new"));
  expect(await proxy.reason()).toBe(null);
});

const ageSeconds = scaled(45, 0, 45);

it.skipIf(!canMount || ageSeconds === 0).concurrent(
  "B23 the name leads to another address: the old one is left within a minute though it lives",
  { timeout: 120_000 },
  async () => {
    using names = createNames();
    await using running = await startBetweenTwo(names);
    const { proxy } = running;
    names.lead(newAddress);
    await eventually(() => proxy.isServed("new"), ageSeconds * 1000);
  },
);

named("B23 the name cannot be resolved: flags are served, and health says why", async () => {
  using names = createNames();
  await using upstream = await startUpstream("old", oldAddress);
  names.lead(oldAddress);
  await using proxy = await startNamedProxy(names, portOf(upstream));
  await eventually(() => proxy.isServed("old"));
  names.lead();
  // Ends the connection that was kept.
  await upstream.refuse();
  await upstream.accept();
  await eventually(async () => (await proxy.reason()) === "unreachable");
  expect(await proxy.isServed("old")).toBe(true);
  upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "new" }));
  names.lead(oldAddress);
  await eventually(() => proxy.isServed("new"));
});

named("B23 the name server is silent: flags are served, and few ask it", async () => {
  using names = createNames();
  const nameServer = createSocket("udp4");
  let questions = 0;
  nameServer.on("message", () => {
    questions += 1;
  });
  nameServer.bind(53, silentNameServer);
  await once(nameServer, "listening");
  try {
    await using upstream = await startUpstream("old", oldAddress);
    names.lead(oldAddress);
    names.askAt(silentNameServer);
    await using proxy = await startNamedProxy(names, portOf(upstream));
    await eventually(() => proxy.isServed("old"));
    names.lead();
    await upstream.refuse();
    await upstream.accept();
    await eventually(async () => ["timeout", "unreachable"].includes((await proxy.reason()) ?? ""));
    const asked = questions;
    await sleep(3000);
    // Two for each lookup (IPv4 and IPv6), which takes a second; Node would do two lookups at a time.
    expect(questions - asked).toBeLessThanOrEqual(8);
    expect(await proxy.isServed("old")).toBe(true);
    upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "new" }));
    names.lead(oldAddress);
    await eventually(() => proxy.isServed("new"));
  } finally {
    nameServer.close();
  }
});

named("B23 an upstream on IPv6 alone is polled, and one whose IPv6 is dead by IPv4", async () => {
  using names = createNames();
  await using six = await startUpstream("six", "::1");
  await using _four = await startUpstream("four", newAddress, Number(portOf(six)));
  names.lead("::1");
  await using proxy = await startNamedProxy(names, portOf(six));
  await eventually(() => proxy.isServed("six"));
  names.lead("::1", newAddress);
  await six.refuse();
  await eventually(() => proxy.isServed("four"));
});
