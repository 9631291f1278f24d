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

/** Hashes short texts, one at a time; it owns its working memory. */
export class ShortMd5 {
  readonly #words = new Int32Array(blocksMax * wordsPerBlock);
  readonly #digest = new Int32Array(4);
  #tail = "";
  /** By how many bytes of its first word are the head's: the last tail in words, once it was asked for. */
  readonly #tailWords = [0, 1, 2, 3].map(() => new Int32Array(blocksMax * wordsPerBlock));
  readonly #isFilled = [false, false, false, false];

  /**
   * Hashes two texts as if they were one: putting them together first would cost a third of the hash. The
   * same tail again costs less: one identity's key is hashed with many heads.
   * @returns the digest's four words, little-endian, valid until the next call; null for texts not taken
   */
  digest(head: string, tail: string): Int32Array | null {
    const length = head.length + tail.length;
    if (length > charactersMax) return null;
    const blocks = length > wordsPerBlock * 4 - paddingBytesMin ? 2 : 1;
    if (!this.#fill(head, tail, blocks)) return null;
    this.#words[blocks * wordsPerBlock - 2] = length << 3;
    this.#digest[0] = 0x67452301;
    this.#digest[1] = 0xefcdab89;
    this.#digest[2] = 0x98badcfe;
    this.#digest[3] = 0x10325476;
    for (let block = 0; block < blocks; block += 1) this.#transform(block * wordsPerBlock);
    return this.#digest;
  }

  /** Writes the text, the mark of its end and zeros. @returns false where the text is not ASCII */
  #fill(head: string, tail: string, blocks: number): boolean {
    const tailWords = this.#wordsOf(tail, head.length & 3);
    if (tailWords === null) return false;
    const words = this.#words;
    let word = 0;
    let allBits = 0;
    for (let index = 0; index < head.length; index += 1) {
      const code = head.charCodeAt(index);
      allBits |= code;
      word |= code << ((index & 3) << 3);
      if ((index & 3) !== 3) continue;
      words[index >> 2] = word;
      word = 0;
    }
    const first = head.length >> 2;
    words[first] = word | tailWords[0]!;
    for (let index = first + 1; index < blocks * wordsPerBlock; index += 1) {
      words[index] = tailWords[index - first]!;
    }
    return allBits <= 127;
  }

  /** @returns null where the tail is not ASCII */
  #wordsOf(tail: string, shift: number): Int32Array | null {
    if (tail !== this.#tail) {
      this.#tail = tail;
      this.#isFilled.fill(false);
    }
    const words = this.#tailWords[shift] as Int32Array;
    if (this.#isFilled[shift] === true) return words;
    words.fill(0);
    let allBits = 0;
    for (let index = 0; index < tail.length; index += 1) {
      const code = tail.charCodeAt(index);
      allBits |= code;
      words[(index + shift) >> 2]! |= code << (((index + shift) & 3) << 3);
    }
    words[(tail.length + shift) >> 2]! |= 0x80 << (((tail.length + shift) & 3) << 3);
    this.#isFilled[shift] = allBits <= 127;
    return allBits <= 127 ? words : null;
  }

  /** Section 3.4 for the block that begins at the word `o`. */
  #transform(o: number): void {
    const digest = this.#digest;
    const a = digest[0]!;
    const b = digest[1]!;
    const c = digest[2]!;
    const d = digest[3]!;
    round1(this.#words, o, digest);
    round2(this.#words, o, digest);
    round3(this.#words, o, digest);
    round4(this.#words, o, digest);
    digest[0]! += a;
    digest[1]! += b;
    digest[2]! += c;
    digest[3]! += d;
  }
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

/*
 * NOTE: the steps are written out, with the constants of the standard's table (2^32 |sin(step)|) in them:
 * read from tables in loops they were measured to take twice as long. Each step waits for the one before, so
 * what does not need that one's result stands first in its sum; the second round's function has the form of
 * two parts without a common bit for the same reason. Four functions, as V8 does not put all calls of
 * `rotate` in place in one.
 */

function round1(x: Int32Array, o: number, state: Int32Array): void {
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  a = (rotate((a + x[o]! - 680876936 + (d ^ (b & (c ^ d)))) | 0, 7) + b) | 0;
  d = (rotate((d + x[o + 1]! - 389564586 + (c ^ (a & (b ^ c)))) | 0, 12) + a) | 0;
  c = (rotate((c + x[o + 2]! + 606105819 + (b ^ (d & (a ^ b)))) | 0, 17) + d) | 0;
  b = (rotate((b + x[o + 3]! - 1044525330 + (a ^ (c & (d ^ a)))) | 0, 22) + c) | 0;
  a = (rotate((a + x[o + 4]! - 176418897 + (d ^ (b & (c ^ d)))) | 0, 7) + b) | 0;
  d = (rotate((d + x[o + 5]! + 1200080426 + (c ^ (a & (b ^ c)))) | 0, 12) + a) | 0;
  c = (rotate((c + x[o + 6]! - 1473231341 + (b ^ (d & (a ^ b)))) | 0, 17) + d) | 0;
  b = (rotate((b + x[o + 7]! - 45705983 + (a ^ (c & (d ^ a)))) | 0, 22) + c) | 0;
  a = (rotate((a + x[o + 8]! + 1770035416 + (d ^ (b & (c ^ d)))) | 0, 7) + b) | 0;
  d = (rotate((d + x[o + 9]! - 1958414417 + (c ^ (a & (b ^ c)))) | 0, 12) + a) | 0;
  c = (rotate((c + x[o + 10]! - 42063 + (b ^ (d & (a ^ b)))) | 0, 17) + d) | 0;
  b = (rotate((b + x[o + 11]! - 1990404162 + (a ^ (c & (d ^ a)))) | 0, 22) + c) | 0;
  a = (rotate((a + x[o + 12]! + 1804603682 + (d ^ (b & (c ^ d)))) | 0, 7) + b) | 0;
  d = (rotate((d + x[o + 13]! - 40341101 + (c ^ (a & (b ^ c)))) | 0, 12) + a) | 0;
  c = (rotate((c + x[o + 14]! - 1502002290 + (b ^ (d & (a ^ b)))) | 0, 17) + d) | 0;
  b = (rotate((b + x[o + 15]! + 1236535329 + (a ^ (c & (d ^ a)))) | 0, 22) + c) | 0;
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

function round2(x: Int32Array, o: number, state: Int32Array): void {
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  a = (rotate((a + x[o + 1]! - 165796510 + (c & ~d) + (d & b)) | 0, 5) + b) | 0;
  d = (rotate((d + x[o + 6]! - 1069501632 + (b & ~c) + (c & a)) | 0, 9) + a) | 0;
  c = (rotate((c + x[o + 11]! + 643717713 + (a & ~b) + (b & d)) | 0, 14) + d) | 0;
  b = (rotate((b + x[o]! - 373897302 + (d & ~a) + (a & c)) | 0, 20) + c) | 0;
  a = (rotate((a + x[o + 5]! - 701558691 + (c & ~d) + (d & b)) | 0, 5) + b) | 0;
  d = (rotate((d + x[o + 10]! + 38016083 + (b & ~c) + (c & a)) | 0, 9) + a) | 0;
  c = (rotate((c + x[o + 15]! - 660478335 + (a & ~b) + (b & d)) | 0, 14) + d) | 0;
  b = (rotate((b + x[o + 4]! - 405537848 + (d & ~a) + (a & c)) | 0, 20) + c) | 0;
  a = (rotate((a + x[o + 9]! + 568446438 + (c & ~d) + (d & b)) | 0, 5) + b) | 0;
  d = (rotate((d + x[o + 14]! - 1019803690 + (b & ~c) + (c & a)) | 0, 9) + a) | 0;
  c = (rotate((c + x[o + 3]! - 187363961 + (a & ~b) + (b & d)) | 0, 14) + d) | 0;
  b = (rotate((b + x[o + 8]! + 1163531501 + (d & ~a) + (a & c)) | 0, 20) + c) | 0;
  a = (rotate((a + x[o + 13]! - 1444681467 + (c & ~d) + (d & b)) | 0, 5) + b) | 0;
  d = (rotate((d + x[o + 2]! - 51403784 + (b & ~c) + (c & a)) | 0, 9) + a) | 0;
  c = (rotate((c + x[o + 7]! + 1735328473 + (a & ~b) + (b & d)) | 0, 14) + d) | 0;
  b = (rotate((b + x[o + 12]! - 1926607734 + (d & ~a) + (a & c)) | 0, 20) + c) | 0;
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

function round3(x: Int32Array, o: number, state: Int32Array): void {
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  a = (rotate((a + x[o + 5]! - 378558 + (b ^ c ^ d)) | 0, 4) + b) | 0;
  d = (rotate((d + x[o + 8]! - 2022574463 + (a ^ b ^ c)) | 0, 11) + a) | 0;
  c = (rotate((c + x[o + 11]! + 1839030562 + (d ^ a ^ b)) | 0, 16) + d) | 0;
  b = (rotate((b + x[o + 14]! - 35309556 + (c ^ d ^ a)) | 0, 23) + c) | 0;
  a = (rotate((a + x[o + 1]! - 1530992060 + (b ^ c ^ d)) | 0, 4) + b) | 0;
  d = (rotate((d + x[o + 4]! + 1272893353 + (a ^ b ^ c)) | 0, 11) + a) | 0;
  c = (rotate((c + x[o + 7]! - 155497632 + (d ^ a ^ b)) | 0, 16) + d) | 0;
  b = (rotate((b + x[o + 10]! - 1094730640 + (c ^ d ^ a)) | 0, 23) + c) | 0;
  a = (rotate((a + x[o + 13]! + 681279174 + (b ^ c ^ d)) | 0, 4) + b) | 0;
  d = (rotate((d + x[o]! - 358537222 + (a ^ b ^ c)) | 0, 11) + a) | 0;
  c = (rotate((c + x[o + 3]! - 722521979 + (d ^ a ^ b)) | 0, 16) + d) | 0;
  b = (rotate((b + x[o + 6]! + 76029189 + (c ^ d ^ a)) | 0, 23) + c) | 0;
  a = (rotate((a + x[o + 9]! - 640364487 + (b ^ c ^ d)) | 0, 4) + b) | 0;
  d = (rotate((d + x[o + 12]! - 421815835 + (a ^ b ^ c)) | 0, 11) + a) | 0;
  c = (rotate((c + x[o + 15]! + 530742520 + (d ^ a ^ b)) | 0, 16) + d) | 0;
  b = (rotate((b + x[o + 2]! - 995338651 + (c ^ d ^ a)) | 0, 23) + c) | 0;
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}

function round4(x: Int32Array, o: number, state: Int32Array): void {
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  a = (rotate((a + x[o]! - 198630844 + (c ^ (b | ~d))) | 0, 6) + b) | 0;
  d = (rotate((d + x[o + 7]! + 1126891415 + (b ^ (a | ~c))) | 0, 10) + a) | 0;
  c = (rotate((c + x[o + 14]! - 1416354905 + (a ^ (d | ~b))) | 0, 15) + d) | 0;
  b = (rotate((b + x[o + 5]! - 57434055 + (d ^ (c | ~a))) | 0, 21) + c) | 0;
  a = (rotate((a + x[o + 12]! + 1700485571 + (c ^ (b | ~d))) | 0, 6) + b) | 0;
  d = (rotate((d + x[o + 3]! - 1894986606 + (b ^ (a | ~c))) | 0, 10) + a) | 0;
  c = (rotate((c + x[o + 10]! - 1051523 + (a ^ (d | ~b))) | 0, 15) + d) | 0;
  b = (rotate((b + x[o + 1]! - 2054922799 + (d ^ (c | ~a))) | 0, 21) + c) | 0;
  a = (rotate((a + x[o + 8]! + 1873313359 + (c ^ (b | ~d))) | 0, 6) + b) | 0;
  d = (rotate((d + x[o + 15]! - 30611744 + (b ^ (a | ~c))) | 0, 10) + a) | 0;
  c = (rotate((c + x[o + 6]! - 1560198380 + (a ^ (d | ~b))) | 0, 15) + d) | 0;
  b = (rotate((b + x[o + 13]! + 1309151649 + (d ^ (c | ~a))) | 0, 21) + c) | 0;
  a = (rotate((a + x[o + 4]! - 145523070 + (c ^ (b | ~d))) | 0, 6) + b) | 0;
  d = (rotate((d + x[o + 11]! - 1120210379 + (b ^ (a | ~c))) | 0, 10) + a) | 0;
  c = (rotate((c + x[o + 2]! + 718787259 + (a ^ (d | ~b))) | 0, 15) + d) | 0;
  b = (rotate((b + x[o + 9]! - 343485551 + (d ^ (c | ~a))) | 0, 21) + c) | 0;
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
}
