/**
 * Finds environments in the archive that nobody has been served for long: those that were removed while no
 * process ran. It removes nothing.
 */
import type { DocumentArchive } from "./document-archive.ts";
import type { ListedStore } from "./document-store.ts";

/** @returns the names of environments of which nothing was received or confirmed since this time */
export async function environmentsUnusedSince(
  time: Date,
  store: Pick<ListedStore, "keys">,
  archive: Pick<DocumentArchive, "lastUse">,
): Promise<readonly string[]> {
  const unused: string[] = [];
  for (let name = await nameBehind("", store); name !== null; name = await nameBehind(name, store)) {
    // Other records of the store have names of their own (`RecordName`).
    if (!name.startsWith("@") && (await archive.lastUse(name)) < time) unused.push(name);
  }
  return unused;
}

/** All keys of one environment begin with its name and `!`: so the next name is one step away. */
async function nameBehind(name: string, store: Pick<ListedStore, "keys">): Promise<string | null> {
  const [key] = await store.keys({ gt: `${name}!~`, limit: 1 }).all();
  return key?.split("!", 1)[0] ?? null;
}
