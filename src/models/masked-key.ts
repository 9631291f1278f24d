/**
 * Keys as logs, faults and warnings may show them. Nothing else may put a key into a text for people.
 */

/** Of a shorter key, four characters would be too much. */
const shownKeyCharactersMin = 12;

/** @returns `ser.…` for server keys, and the last four characters of a key that is long enough */
export function maskKey(key: string): string {
  const start = key.startsWith("ser.") ? "ser.…" : "…";
  return key.length < shownKeyCharactersMin ? start : start + key.slice(-4);
}
