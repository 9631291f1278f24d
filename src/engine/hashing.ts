/**
 * The percentage that a list of ids hashes to, which percentage splits and multivariate features share
 * (contract B 5.3). It must give what every other Flagsmith engine gives, bit for bit.
 */
import { hash } from "node:crypto";

/** The largest remainder: it would give exactly 100, which is outside the range, so it is hashed again. */
const remainderMax = 9998;

/**
 * @param ids the hashed ids, in order; joined by commas
 * @returns a percentage from 0 (included) to 100 (excluded)
 */
export function hashedPercentage(ids: readonly string[]): number {
  const joined = ids.join(",");
  let text = joined;
  for (;;) {
    const remainder = md5Remainder(text);
    if (remainder !== remainderMax) return (remainder / remainderMax) * 100;
    text += `,${joined}`;
  }
}

/**
 * The MD5 of the text, as a 128-bit number, modulo 9999; by Horner's rule on 16-bit digits, without
 * bigints.
 */
function md5Remainder(text: string): number {
  const digest = hash("md5", text, "buffer");
  let remainder = 0;
  for (let index = 0; index < 16; index += 2) {
    remainder = (remainder * 65_536 + digest.readUInt16BE(index)) % 9999;
  }
  return remainder;
}
