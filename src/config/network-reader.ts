/** Reads one network of clients, by address or CIDR. It must not repeat what it read. */
import { isIP } from "node:net";
import { describeValue, type Reading } from "./setting-readers.ts";

/** @returns the network as `address/bits`; one of IPv4 addresses in IPv6 form is one of IPv4 addresses */
export function readNetwork(raw: unknown): Reading<string> {
  const remedy = 'Set an address such as "192.0.2.7", or a network such as "10.0.0.0/8" or "2001:db8::/32".';
  const wanted = "expected an address or a network";
  if (typeof raw !== "string" || raw === "") {
    return { fault: `${wanted}, found ${describeValue(raw)}`, remedy };
  }
  const [, address = "", suffix] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(raw.trim()) ?? [];
  const bitsMax = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  if (bitsMax === 0) return { fault: `${wanted}, found text of another form`, remedy };
  const bits = suffix === undefined ? bitsMax : Number(suffix);
  if (bits > bitsMax) return { fault: `the network has more than ${bitsMax} bits`, remedy };
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  return { value: mapped !== undefined && bits >= 96 ? `${mapped}/${bits - 96}` : `${address}/${bits}` };
}
