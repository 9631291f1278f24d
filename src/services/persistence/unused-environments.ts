/**
 * Finds environments in the archive that nobody has been served for long: those that were removed while no
 * process ran. It removes nothing.
 */
import type { DocumentArchive } from "./document-archive.ts";
import { storeNames, type TwinStores } from "./document-store.ts";

/** @returns the names of environments of which nothing was received or confirmed since this time */
export async function environmentsUnusedSince(
  time: Date,
  twins: TwinStores,
  archive: Pick<DocumentArchive, "lastUse">,
): Promise<readonly string[]> {
  const unused: string[] = [];
  for (let name = await nameBehind("", twins); name !== null; name = await nameBehind(name, twins)) {
    // Other records of the store have names of their own (`RecordName`).
    if (!name.startsWith("@") && (await archive.lastUse(name)) < time) unused.push(name);
  }
  return unused;
}

/** All keys of one environment begin with its name and `!`: so the next name is one step away. */
async function nameBehind(name: string, twins: TwinStores): Promise<string | null> {
  const keys = await Promise.all(storeNames.map((each) => twins[each].nextKey(`${name}!~`)));
  const [first] = keys.filter((key) => key !== null).sort();
  return first?.split("!", 1)[0] ?? null;
}
