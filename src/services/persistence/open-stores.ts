/** Has a process open the stores of an archive, or of a copy of it. It does not try twice. */
import { type StoreName, storeNames, type TwinStores } from "./document-store.ts";
import type { StoreOpening } from "./store-orders.ts";
import { StoreProcess } from "./store-process.ts";

/** The stores, and the process that has them open. */
export interface OpenStores {
  readonly process: StoreProcess;
  readonly twins: TwinStores;
}

/**
 * @param process a new one
 * @param path of the folder that holds the archive; made where there is none
 * @param damaged stores whose files are to be set aside
 * @param opened told of each store
 * @throws what fails; the process has ended then
 */
export async function openStores(
  process: StoreProcess,
  path: string,
  damaged: ReadonlySet<StoreName>,
  opened: (name: StoreName, opening: StoreOpening) => void = () => undefined,
  isCopy = false,
): Promise<OpenStores> {
  try {
    await process.ask({ kind: "begin", path, isCopy });
    for (const store of storeNames) {
      opened(store, await process.ask({ kind: "open", store, isDamaged: damaged.has(store) }));
    }
    return { process, twins: { a: process.store("a"), b: process.store("b") } };
  } catch (error) {
    await process.close();
    throw error;
  }
}

/** The same of a copy, which goes when its process is closed. */
export async function openCopy(path: string, damaged: ReadonlySet<StoreName>): Promise<OpenStores> {
  return await openStores(new StoreProcess(), path, damaged, undefined, true);
}
