/** Whose request it is, and which network an address is in. It decides nothing. */
import type { IncomingMessage } from "node:http";
import { BlockList, isIP, isIPv6 } from "node:net";

/**
 * @param proxyHeaders whether the first address of `X-Forwarded-For` is the client's
 * @returns an address, without the port that some balancers append, or whatever else the header holds;
 *   undefined where the client has gone
 */
export function clientAddress(request: IncomingMessage, proxyHeaders: boolean): string | undefined {
  const forwarded = proxyHeaders ? request.headers["x-forwarded-for"] : undefined;
  const first = String(forwarded ?? "")
    .split(",", 1)[0]
    ?.trim();
  return withoutPort(first ?? "") || request.socket.remoteAddress;
}

/** `192.0.2.7:80`, `[2001:db8::1]:80` and `[2001:db8::1]`. IPv6 without brackets has no port. */
const withPort = /^(?:(?<v4>\d+\.\d+\.\d+\.\d+):\d{1,5}|\[(?<v6>[^[\]]+)\](?::\d{1,5})?)$/;

/** Text that is no address with a port stays as it is, and is in no network. */
function withoutPort(text: string): string {
  const { v4, v6 } = withPort.exec(text)?.groups ?? {};
  if (v4 !== undefined && isIP(v4) === 4) return v4;
  return v6 !== undefined && isIPv6(v6) ? v6 : text;
}

/** Networks of clients, each as `address/bits`. */
export class ClientNetworks {
  // Node calls it a list of what is blocked; here it says what is in.
  readonly #list = new BlockList();

  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const [address = "", bits] = network.split("/");
      this.#list.addSubnet(address, Number(bits), isIPv6(address) ? "ipv6" : "ipv4");
    }
  }

  /** @param address of IPv4, of IPv6, of IPv4 in IPv6 form; anything else is in no network */
  has(address: string | undefined): boolean {
    const bare = withoutZone(address ?? "");
    const family = isIP(bare);
    return family !== 0 && this.#list.check(bare, family === 6 ? "ipv6" : "ipv4");
  }
}

/** This machine itself. */
export const loopbackNetworks: readonly string[] = ["127.0.0.0/8", "::1/128"];

const groupsOfAddress = 8;
/** Of IPv6, one client commonly has all addresses of so many groups of 16 bits. */
const groupsOfClient = 4;

/** @returns short text that is the same for all addresses that one client may have; null of no address */
export function clientNetwork(address: string | undefined): string | null {
  const bare = withoutZone(address ?? "").replace(/^::ffff:(?=[\d.]+$)/i, "");
  const family = isIP(bare);
  if (family !== 6) return family === 4 ? bare : null;
  const [head = [], tail = []] = bare
    .split("::")
    .map((part) => part.split(":").filter((each) => each !== ""));
  const zeros = Array.from({ length: groupsOfAddress - head.length - tail.length }, () => "0");
  const groups = [...head, ...zeros, ...tail].slice(0, groupsOfClient);
  return groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":");
}

function withoutZone(address: string): string {
  return address.split("%", 1)[0] ?? "";
}
