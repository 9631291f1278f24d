/**
 * Resolves the upstream's name, once for all who ask meanwhile. A name server that is silent holds a lookup
 * for longer than a poll waits, and a lookup cannot be called back: one for each poll would pile up for as
 * long as the outage lasts. It must not keep an answer: the next connection asks again.
 */
import { type LookupAddress, type LookupAllOptions, type LookupOneOptions, lookup } from "node:dns";
import type { LookupFunction } from "node:net";

type Answer = Parameters<LookupFunction>[2];
/** As `lookup` of node:dns; its overloads cannot be written as one. */
type Resolve = (
  hostname: string,
  options: LookupAllOptions & LookupOneOptions,
  answer: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void;

/**
 * @param resolve asks for one name
 * @returns a lookup for `connect`; of one name with the same options it asks once at a time
 */
export function createSharedLookup(resolve: Resolve = lookup as Resolve): LookupFunction {
  const waiting = new Map<string, Answer[]>();
  return (hostname, options, answer) => {
    const question = JSON.stringify([hostname, options]);
    const others = waiting.get(question);
    if (others !== undefined) {
      others.push(answer);
      return;
    }
    const all = [answer];
    waiting.set(question, all);
    resolve(hostname, options as LookupAllOptions & LookupOneOptions, (...result) => {
      waiting.delete(question);
      for (const each of all) each(...result);
    });
  };
}
