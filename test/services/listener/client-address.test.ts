/** Networks of clients, and what counts as one client. */
import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import {
  ClientNetworks,
  clientAddress,
  clientNetwork,
  loopbackNetworks,
} from "../../../src/services/listener/client-address.ts";

const networks = new ClientNetworks(["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"]);

test.each([
  "10.0.0.0",
  "10.255.255.255",
  "192.0.2.7",
  "::ffff:10.1.2.3",
  "::ffff:a01:203",
  "2001:db8:ffff::1",
])("%s is in", (address) => expect(networks.has(address)).toBe(true));

test.each([
  ...["11.0.0.0", "192.0.2.8", "::ffff:11.1.2.3", "2001:db9::1", "::1", "fe80::1%eth0"],
  ...["", "unknown", "10.0.0.1:80", "10.0.0.1, 11.0.0.1", "10.0.0", "010.0.0.1", undefined],
])("%s is not", (address) => expect(networks.has(address)).toBe(false));

test("an address with a zone is in the network of its address", () => {
  expect(new ClientNetworks(["fe80::/10"]).has("fe80::1%eth0")).toBe(true);
});

test("everything is in 0.0.0.0/0 and ::/0 together", () => {
  const all = new ClientNetworks(["0.0.0.0/0", "::/0"]);
  expect(["1.2.3.4", "::ffff:1.2.3.4", "2001:db8::1", "::1"].every((each) => all.has(each))).toBe(true);
});

test("loopback is this machine alone", () => {
  const loopback = new ClientNetworks(loopbackNetworks);
  expect(["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"].map((each) => loopback.has(each))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(["128.0.0.1", "::2", "10.0.0.1"].some((each) => loopback.has(each))).toBe(false);
});

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:0db8:0001:0002::", "2001:db8:1:2"],
  ["2001:db8::6", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
  ["fe80::1%eth0", "fe80:0:0:0"],
  [`fe80::1%${"z".repeat(9999)}`, "fe80:0:0:0"],
  ["unknown", null],
  ["192.0.2.7:80", null],
  [undefined, null],
])("%s is one client with all of %s", (address, network) => expect(clientNetwork(address)).toBe(network));

test.each([
  ["203.0.113.9:1234", "203.0.113.9"],
  ["203.0.113.9:1234, 10.0.0.1:80", "203.0.113.9"],
  ["[2001:db8::1]:443", "2001:db8::1"],
  ["[2001:db8::1]", "2001:db8::1"],
  ["[fe80::1%eth0]:443", "fe80::1%eth0"],
  ["2001:db8::1:443", "2001:db8::1:443"],
  ["203.0.113.9", "203.0.113.9"],
  ["", "192.0.2.1"],
  // What is no address stays what it is: it is in no network.
  ...["203.0.113.9:", "203.0.113.9:a", "203.0.113.9:123456", "300.0.0.1:80", "host:80", "unknown"].map(
    (text) => [text, text] as const,
  ),
  ...["[203.0.113.9]:80", "[]:80", "[2001:db8::1]x", "[[2001:db8::1]]", "10.0.0.1:80:80"].map(
    (text) => [text, text] as const,
  ),
] as const)("a proxy that forwards for %j does so for %s", (forwarded, address) => {
  const request = { headers: { "x-forwarded-for": forwarded }, socket: { remoteAddress: "192.0.2.1" } };
  expect(clientAddress(request as unknown as IncomingMessage, true)).toBe(address);
  expect(clientAddress(request as unknown as IncomingMessage, false)).toBe("192.0.2.1");
});
