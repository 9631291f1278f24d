/**
 * The percentage that a pair of ids hashes to, which percentage splits and multivariate features share
 * (contract B 5.3). It must give what every other Flagsmith engine gives, bit for bit.
 */
import { hash } from "node:crypto";
import { ShortMd5 } from "./short-md5.ts";

/** The largest remainder: it would give exactly 100, which is outside the range, so it is hashed again. */
const remainderMax = 9998;

const shortMd5 = new ShortMd5();

/**
 * The percentage of a pair of ids, such as a feature's key and an identity's.
 * @param head the first id and a comma, put together once where it is known before
 * @param tail the second id
 * @returns a percentage from 0 (included) to 100 (excluded)
 */
export function hashedPercentage(head: string, tail: string): number {
  const remainder = remainderOf(shortMd5.digest(head, tail) ?? longMd5(head + tail));
  return remainder === remainderMax ? rehashedPercentage(head + tail) : percentageOf(remainder);
}

/** One pair in 9,999: the ids are repeated until the remainder is another. */
function rehashedPercentage(ids: string): number {
  for (let text = `${ids},${ids}`; ; text += `,${ids}`) {
    const remainder = remainderOf(longMd5(text));
    if (remainder !== remainderMax) return percentageOf(remainder);
  }
}

function percentageOf(remainder: number): number {
  return (remainder / remainderMax) * 100;
}

function longMd5(text: string): number[] {
  const digest = hash("md5", text, "buffer");
  return [0, 4, 8, 12].map((offset) => digest.readInt32LE(offset));
}

/**
 * A digest, as a number of 128 bits, modulo 9999: by Horner's rule on digits of 16 bits, without bigints.
 * @param words four, little-endian, while the number has its first byte highest
 */
function remainderOf(words: ArrayLike<number>): number {
  let remainder = 0;
  for (let index = 0; index < 4; index += 1) {
    const word = words[index] ?? 0;
    const high = ((word & 0xff) << 8) | ((word >>> 8) & 0xff);
    const low = ((word >>> 8) & 0xff00) | (word >>> 24);
    remainder = (remainder * 65_536 + high) % 9999;
    remainder = (remainder * 65_536 + low) % 9999;
  }
  return remainder;
}
