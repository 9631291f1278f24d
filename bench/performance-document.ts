/**
 * Puts tables into a Markdown document, each between its markers: `<!-- table:NAME -->` and
 * `<!-- /table:NAME -->`. All else of the document stays as it is.
 */

/** A document whose markers are not as they must be. */
export class MarkerError extends Error {}

/**
 * @param contents Markdown by marker
 * @returns the document with each in its place
 * @throws MarkerError where a marker is missing, stands twice, or does not end
 */
export function replaceTables(document: string, contents: ReadonlyMap<string, string>): string {
  let text = document;
  for (const [name, content] of contents) {
    const { start, end } = findMarker(text, name);
    text = `${text.slice(0, start)}\n\n${content}\n\n${text.slice(end)}`;
  }
  return text;
}

/** @throws MarkerError where one of the markers is not as it must be */
export function checkMarkers(document: string, names: readonly string[]): void {
  for (const name of names) findMarker(document, name);
}

/** @returns what stands between the two */
function findMarker(document: string, name: string): { readonly start: number; readonly end: number } {
  const [opening, closing] = [`<!-- table:${name} -->`, `<!-- /table:${name} -->`];
  for (const mark of [opening, closing]) {
    const count = document.split(mark).length - 1;
    if (count !== 1) throw new MarkerError(`the document has ${mark} ${count} times, and must have it once`);
  }
  const start = document.indexOf(opening) + opening.length;
  const end = document.indexOf(closing);
  if (end < start) throw new MarkerError(`the document has ${closing} before ${opening}`);
  return { start, end };
}
