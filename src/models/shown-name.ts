/** Names of environments as logs may show them: they are the upstream's text, and may be of any length. */

const charactersMax = 100;

/** @returns the beginning of a long name; null where there is none */
export function shownName(name: string | null): string | null {
  return name?.slice(0, charactersMax) ?? null;
}
