/**
 * D1, D2: a disk that is full or read-only is one warning. Nothing else is different for callers, what was
 * archived before is used at the next start, and archiving goes on once the disk lets it.
 */
import { join } from "node:path";
import { expect, it } from "vitest";
import { type FaultUpstream, startFaultUpstream } from "../support/fault-upstream.ts";
import {
  configFor,
  demoDocumentWith,
  eventually,
  getFlags,
  type ProxyProcess,
  serverKey,
  startProxyProcess,
} from "../support/running-proxy.ts";
import { canMount, mountDisk, type TmpfsDisk } from "../support/tmpfs-disk.ts";

/** At once: each has its own disk, and mostly waits for proxies to end. */
const onDisk = it.skipIf(!canMount).concurrent;

/** One of them fits on the disks of these tests, and two do not. */
const largeBytes = 200_000;

class Scene implements AsyncDisposable {
  readonly disk: TmpfsDisk;
  readonly upstream: FaultUpstream;
  #proxy: ProxyProcess | null = null;
  #url = "";

  constructor(disk: TmpfsDisk, upstream: FaultUpstream) {
    this.disk = disk;
    this.upstream = upstream;
  }

  /** What the running proxy logged about the archive so far. */
  lines(part: string): number {
    return (this.#proxy?.stdout() ?? "").split(part).length - 1;
  }

  async start(): Promise<void> {
    await this.#end();
    const storage = { enabled: true, path: join(this.disk.path, "data") };
    this.#proxy = startProxyProcess({ config: configFor(this.upstream, { storage }) });
    this.#url = await this.#proxy.url();
  }

  /** Ends the proxy, and starts it without an upstream; between the two the disk may be changed. */
  async startAlone(change: (disk: TmpfsDisk) => void = () => undefined): Promise<void> {
    await this.upstream.refuse();
    await this.#end();
    change(this.disk);
    await this.start();
  }

  /** Has the upstream serve a document, and waits until the proxy does. */
  async publish(name: string, bytes = 0): Promise<void> {
    const filling = Array.from({ length: bytes }, () => Math.random().toString(36)[2]).join("");
    this.upstream.setDocument(serverKey, demoDocumentWith({ banner_text: `version ${name} ${filling}` }));
    await this.expectServed(name);
  }

  async expectServed(name: string): Promise<void> {
    await eventually(async () => {
      const response = await getFlags(this.#url);
      return response.status === 200 && (await response.text()).includes(`version ${name} `);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    this.disk[Symbol.dispose]();
    await this.upstream[Symbol.asyncDispose]();
  }

  async #end(): Promise<void> {
    const proxy = this.#proxy;
    if (proxy === null) return;
    this.#proxy = null;
    proxy.kill("SIGTERM");
    expect(await proxy.exit).toEqual({ code: 0, signal: null });
    await proxy[Symbol.asyncDispose]();
  }
}

async function startScene(): Promise<Scene> {
  const scene = new Scene(mountDisk("512k"), await startFaultUpstream());
  scene.upstream.setDocument(serverKey, demoDocumentWith({}));
  await scene.start();
  return scene;
}

const warning = "Documents are not archived";
const again = "Documents are archived again";

onDisk("D1 a document that does not fit is served, and the one before stays archived", async () => {
  await using scene = await startScene();
  await scene.publish("small");
  for (const name of ["large", "larger", "largest"]) await scene.publish(name, largeBytes);
  await eventually(() => scene.lines(warning) > 0);
  await scene.startAlone();
  await scene.expectServed("small");
  await scene.upstream.accept();
  await scene.expectServed("largest");
  for (const name of ["huge", "huger"]) await scene.publish(name, largeBytes);
  await eventually(() => scene.lines(warning) > 0);
  expect([scene.lines(warning), scene.lines(again)]).toEqual([1, 0]);
  scene.disk.remount("size=32m");
  await scene.publish("roomy", largeBytes);
  await eventually(() => scene.lines(again) === 1);
  await scene.startAlone();
  await scene.expectServed("roomy");
});

onDisk("D1 on a disk that others have filled, what was archived is served at the next start", async () => {
  await using scene = await startScene();
  await scene.publish("before");
  await scene.startAlone((disk) => disk.fill());
  await scene.expectServed("before");
  await scene.upstream.accept();
  for (const name of ["one", "two", "three"]) await scene.publish(name);
  expect([scene.lines(warning), scene.lines(again)]).toEqual([1, 0]);
  scene.disk.empty();
  await scene.publish("after");
  await eventually(() => scene.lines(again) === 1);
  await scene.startAlone();
  await scene.expectServed("after");
});

onDisk("D2 on a disk that is read-only, what was archived is served at the next start", async () => {
  await using scene = await startScene();
  await scene.publish("before");
  // A disk cannot be made so while files on it are open to be written.
  await scene.startAlone((disk) => disk.remount("ro"));
  await scene.expectServed("before");
  await scene.upstream.accept();
  for (const name of ["one", "two", "three"]) await scene.publish(name);
  expect([scene.lines(warning), scene.lines(again)]).toEqual([1, 0]);
  scene.disk.remount("rw");
  await scene.publish("after");
  await eventually(() => scene.lines(again) === 1);
  await scene.startAlone();
  await scene.expectServed("after");
});

onDisk("D2 a disk that was never writable is one warning, and archiving begins once it is", async () => {
  const disk = mountDisk("512k");
  disk.remount("ro");
  await using scene = new Scene(disk, await startFaultUpstream());
  await scene.start();
  for (const name of ["one", "two", "three"]) await scene.publish(name);
  expect([scene.lines(warning), scene.lines(again)]).toEqual([1, 0]);
  disk.remount("rw");
  await scene.publish("after");
  await eventually(() => scene.lines(again) === 1);
  await scene.startAlone();
  await scene.expectServed("after");
});
