/**
 * The bytes of one page in blocks, as they come from the network: joining 50 MiB takes 20 ms at once, and is
 * left to where nobody waits for it.
 */

/** In order; each owns its buffer, so that it can be emptied. */
export type PageBlocks = readonly Uint8Array<ArrayBuffer>[];

const firstBlockBytes = 65_536;
const blockBytesMax = 1_048_576;

/** Collects chunks into blocks that own their buffers, which chunks from a socket do not. */
export class BlockCollector {
  readonly #blocks: Uint8Array<ArrayBuffer>[] = [];
  #last = new Uint8Array(0);
  #used = 0;

  /** Copies the chunk. */
  add(chunk: Uint8Array): void {
    let from = 0;
    while (from < chunk.byteLength) {
      if (this.#used === this.#last.byteLength) this.#startBlock();
      const part = chunk.subarray(from, from + this.#last.byteLength - this.#used);
      this.#last.set(part, this.#used);
      this.#used += part.byteLength;
      from += part.byteLength;
    }
  }

  /** @returns all that was added; to be called once */
  finish(): PageBlocks {
    return this.#used === 0 ? this.#blocks : [...this.#blocks, this.#last.slice(0, this.#used)];
  }

  #startBlock(): void {
    if (this.#used > 0) this.#blocks.push(this.#last);
    this.#last = new Uint8Array(
      Math.min(blockBytesMax, Math.max(firstBlockBytes, this.#last.byteLength * 2)),
    );
    this.#used = 0;
  }
}

/** @returns the blocks as one; a single block as it is */
export function joinBlocks(blocks: PageBlocks): Uint8Array<ArrayBuffer> {
  const [only = new Uint8Array()] = blocks;
  if (blocks.length <= 1) return only;
  const bytes = new Uint8Array(blocks.reduce((total, block) => total + block.byteLength, 0));
  let at = 0;
  for (const block of blocks) {
    bytes.set(block, at);
    at += block.byteLength;
  }
  return bytes;
}
