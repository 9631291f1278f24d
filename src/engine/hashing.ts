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
 * A digest, as a number of 128 bits, modulo 9999: the sum of its eight digits of 16 bits, each times what
 * its place is worth. Half of the sum fits 32 bits, so that no step needs more.
 * @param words four, little-endian, while the number has its first byte highest
 */
function remainderOf(words: ArrayLike<number>): number {
  const high = digitsWorth(words[0] ?? 0, 763, 7291) + digitsWorth(words[1] ?? 0, 4225, 1897);
  const low = digitsWorth(words[2] ?? 0, 3358, 6835) + digitsWorth(words[3] ?? 0, 5542, 1);
  return (((high >>> 0) % 9999) + ((low >>> 0) % 9999)) % 9999;
}

/**
 * @param word two digits; the one in its lower half is the higher
 * @param higher a power of 65,536, modulo 9999
 * @param lower the next power below
 */
function digitsWorth(word: number, higher: number, lower: number): number {
  const first = ((word & 0xff) << 8) | ((word >>> 8) & 0xff);
  const second = ((word >>> 8) & 0xff00) | (word >>> 24);
  return first * higher + second * lower;
}
