/** By what a changed file is known, without a look at what is in it. */
import type { BigIntStats } from "node:fs";

/**
 * @param stats of what the path leads to in the end, so that a link anywhere on the way may be set anew
 * @returns text that differs wherever the content may: a file that is replaced by one of the same size and
 *   time, as `cp -p` and images with fixed times do it, is still another file
 */
export function fileStateOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(" ");
}
