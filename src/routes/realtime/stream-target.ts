/** The path of client streams, which holds the client key (contract A10). It looks at nothing but text. */

/** As it is declared, without a trailing slash. */
export const streamPath = "/sse/environments/:clientKey/stream";

const target = /^\/sse\/environments\/([^/?#]+)\/stream\/?(?:\?.*)?$/;

/**
 * @param path as a request's first line has it, or what is left of that
 * @returns the key in it, still encoded; null where it is not the path of a stream
 */
export function streamKeyOf(path: string): string | null {
  return target.exec(path)?.[1] ?? null;
}
