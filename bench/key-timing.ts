/**
 * Whether the time of a look-up tells how much of a presented key is right (decision 0019): Welch's t of keys
 * that are right but for their last six characters against keys that are wrong from the first on. A
 * comparison that stops at the first difference is measured alike, to see that the figures could tell.
 */
import { randomBytes, randomInt } from "node:crypto";
import { zeroCounts } from "../src/cache/answer-counts.ts";
import { systemClock } from "../src/services/clock.ts";
import { keysOfPair } from "../src/services/environments/environment-list.ts";
import { KeyDirectory } from "../src/services/environments/key-directory.ts";

const samplesCount = Number(process.argv[2] ?? 1_000_000);
const batchCount = 256;
const roundsCount = 5;
const tMax = 4.5;
const serverSideKey = `ser.${randomBytes(11).toString("hex")}`;
const clientSideKey = randomBytes(11).toString("hex");

const directory = new KeyDirectory(systemClock);
directory.set({ current: null, counts: zeroCounts() }, keysOfPair({ clientSideKey, serverSideKey }));

const rightStart = Buffer.from(serverSideKey.slice(0, -6));
const wrongStart = Buffer.from(randomBytes(rightStart.length).toString("hex").slice(0, rightStart.length));

/** Keys of requests are new strings each time, without a remembered hash; both kinds are made alike. */
const received = Buffer.alloc(serverSideKey.length);
function presented(start: Buffer): string {
  received.set(Buffer.from(randomBytes(received.length / 2).toString("hex")));
  received.set(start);
  return received.toString("latin1");
}

function stopsAtFirstDifference(key: string): boolean {
  for (let index = 0; index < serverSideKey.length; index += 1) {
    if (key.charCodeAt(index) !== serverSideKey.charCodeAt(index)) return false;
  }
  return true;
}

interface Sums {
  count: number;
  mean: number;
  squares: number;
}

function add(sums: Sums, value: number): void {
  sums.count += 1;
  const difference = value - sums.mean;
  sums.mean += difference / sums.count;
  sums.squares += difference * (value - sums.mean);
}

/** Nanoseconds beyond this are the machine's doing: collections of garbage, other processes. */
const outlierNs = 5000;

/** @returns Welch's t; positive where almost right keys take longer */
function measure(lookUp: (key: string) => unknown): number {
  const almost: Sums = { count: 0, mean: 0, squares: 0 };
  const random: Sums = { count: 0, mean: 0, squares: 0 };
  for (let sample = 0; sample < samplesCount; sample += batchCount) {
    // Made beforehand: what it takes to make a key must not reach into the time of its look-up.
    const areAlmost = Array.from({ length: batchCount }, () => randomInt(2) === 1);
    const keys = areAlmost.map((isAlmost) => presented(isAlmost ? rightStart : wrongStart));
    for (const [index, key] of keys.entries()) {
      const startNs = process.hrtime.bigint();
      lookUp(key);
      const ns = Number(process.hrtime.bigint() - startNs);
      if (ns < outlierNs) add(areAlmost[index] ? almost : random, ns);
    }
  }
  const varianceOf = ({ count, squares }: Sums) => squares / (count - 1) / count;
  return (almost.mean - random.mean) / Math.sqrt(varianceOf(almost) + varianceOf(random));
}

const lookUps = { "look-up": directory.resolve, "stops at the first difference": stopsAtFirstDifference };
for (const [name, lookUp] of Object.entries(lookUps)) {
  measure(lookUp);
  const ts = Array.from({ length: roundsCount }, () => measure(lookUp));
  const texts = ts.map((t) => t.toFixed(1)).join(", ");
  process.stdout.write(`${name}: t = ${texts} (${samplesCount} samples each; above ${tMax} tells)\n`);
}
