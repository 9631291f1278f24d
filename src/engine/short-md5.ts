/**
 * MD5 (RFC 1321) of one or two blocks of ASCII, in plain JavaScript: what multivariate features and
 * percentage splits hash is nearly always that short. Calling into OpenSSL for one costs three times as
 * much, most of it for the way there. It is no substitute for `node:crypto`: longer texts are not taken.
 */

const wordsPerBlock = 16;
const blocksMax = 2;
/** What the last block needs beside the text: the mark of its end, and its length. */
const paddingBytesMin = 9;
const charactersMax = blocksMax * wordsPerBlock * 4 - paddingBytesMin;

/** The constants of the 64 steps: the integer part of 2^32 |sin(step)|. */
const sines = Int32Array.from({ length: 64 }, (_, index) =>
  Math.floor(2 ** 32 * Math.abs(Math.sin(index + 1))),
);

/** Hashes short texts, one at a time; it owns its working memory. */
export class ShortMd5 {
  readonly #words = new Int32Array(blocksMax * wordsPerBlock);
  readonly #digest = new Int32Array(4);

  /**
   * Hashes two texts as if they were one: putting them together first would cost a third of the hash.
   * @returns the digest's four words, little-endian, valid until the next call; null for texts not taken
   */
  digest(head: string, tail: string): Int32Array | null {
    const blocks = this.#fill(head, tail);
    if (blocks === 0) return null;
    this.#digest[0] = 0x67452301;
    this.#digest[1] = 0xefcdab89;
    this.#digest[2] = 0x98badcfe;
    this.#digest[3] = 0x10325476;
    for (let block = 0; block < blocks; block += 1) this.#transform(block * wordsPerBlock);
    return this.#digest;
  }

  /** Writes the padded text. @returns how many blocks it fills; 0 where it is too long or not ASCII */
  #fill(head: string, tail: string): number {
    const words = this.#words;
    const length = head.length + tail.length;
    if (length > charactersMax) return 0;
    let word = 0;
    let allBits = 0;
    for (let index = 0; index < length; index += 1) {
      const code = index < head.length ? head.charCodeAt(index) : tail.charCodeAt(index - head.length);
      allBits |= code;
      word |= code << ((index & 3) << 3);
      if ((index & 3) !== 3) continue;
      words[index >> 2] = word;
      word = 0;
    }
    if (allBits > 127) return 0;
    words[length >> 2] = word | (0x80 << ((length & 3) << 3));
    const blocks = length > wordsPerBlock * 4 - paddingBytesMin ? 2 : 1;
    for (let index = (length >> 2) + 1; index < blocks * wordsPerBlock; index += 1) words[index] = 0;
    words[blocks * wordsPerBlock - 2] = length << 3;
    return blocks;
  }

  /** The four rounds of section 3.4, four steps in a turn; `o` is where the block begins. */
  #transform(o: number): void {
    const x = this.#words;
    const digest = this.#digest;
    let a = digest[0]!;
    let b = digest[1]!;
    let c = digest[2]!;
    let d = digest[3]!;
    for (let i = 0; i < 16; i += 4) {
      a = (rotate(a + ((b & c) | (~b & d)) + x[o + i]! + sines[i]!, 7) + b) | 0;
      d = (rotate(d + ((a & b) | (~a & c)) + x[o + i + 1]! + sines[i + 1]!, 12) + a) | 0;
      c = (rotate(c + ((d & a) | (~d & b)) + x[o + i + 2]! + sines[i + 2]!, 17) + d) | 0;
      b = (rotate(b + ((c & d) | (~c & a)) + x[o + i + 3]! + sines[i + 3]!, 22) + c) | 0;
    }
    for (let i = 0; i < 16; i += 4) {
      a = (rotate(a + ((d & b) | (~d & c)) + x[o + ((5 * i + 1) & 15)]! + sines[i + 16]!, 5) + b) | 0;
      d = (rotate(d + ((c & a) | (~c & b)) + x[o + ((5 * i + 6) & 15)]! + sines[i + 17]!, 9) + a) | 0;
      c = (rotate(c + ((b & d) | (~b & a)) + x[o + ((5 * i + 11) & 15)]! + sines[i + 18]!, 14) + d) | 0;
      b = (rotate(b + ((a & c) | (~a & d)) + x[o + ((5 * i + 16) & 15)]! + sines[i + 19]!, 20) + c) | 0;
    }
    for (let i = 0; i < 16; i += 4) {
      a = (rotate(a + (b ^ c ^ d) + x[o + ((3 * i + 5) & 15)]! + sines[i + 32]!, 4) + b) | 0;
      d = (rotate(d + (a ^ b ^ c) + x[o + ((3 * i + 8) & 15)]! + sines[i + 33]!, 11) + a) | 0;
      c = (rotate(c + (d ^ a ^ b) + x[o + ((3 * i + 11) & 15)]! + sines[i + 34]!, 16) + d) | 0;
      b = (rotate(b + (c ^ d ^ a) + x[o + ((3 * i + 14) & 15)]! + sines[i + 35]!, 23) + c) | 0;
    }
    for (let i = 0; i < 16; i += 4) {
      a = (rotate(a + (c ^ (b | ~d)) + x[o + ((7 * i) & 15)]! + sines[i + 48]!, 6) + b) | 0;
      d = (rotate(d + (b ^ (a | ~c)) + x[o + ((7 * i + 7) & 15)]! + sines[i + 49]!, 10) + a) | 0;
      c = (rotate(c + (a ^ (d | ~b)) + x[o + ((7 * i + 14) & 15)]! + sines[i + 50]!, 15) + d) | 0;
      b = (rotate(b + (d ^ (c | ~a)) + x[o + ((7 * i + 21) & 15)]! + sines[i + 51]!, 21) + c) | 0;
    }
    digest[0]! += a;
    digest[1]! += b;
    digest[2]! += c;
    digest[3]! += d;
  }
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
