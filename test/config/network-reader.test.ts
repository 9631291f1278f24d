/** `server.allow_clients` and `server.rate_limit`: what they may be, and the exact sentences otherwise. */
import { expect, test } from "vitest";
import { settingsFrom } from "../../src/config/load-settings.ts";
import { faultsOf, load, pair } from "./config-folder.ts";

const configOf = (server: unknown) => ({ environment_key_pairs: [pair], server });
const remedy = 'Set an address such as "192.0.2.7", or a network such as "10.0.0.0/8" or "2001:db8::/32".';

test.each([
  ["192.0.2.7", "192.0.2.7/32"],
  [" 10.0.0.0/8 ", "10.0.0.0/8"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["2001:DB8::/32", "2001:DB8::/32"],
  ["::1", "::1/128"],
  ["::ffff:192.0.2.0/120", "192.0.2.0/24"],
  ["::ffff:192.0.2.7", "192.0.2.7/32"],
])("%s is %s", (text, network) => {
  expect(settingsFrom({ server: { allow_clients: [text] } }).server.allowClients).toEqual([network]);
});

test.each([
  ["", "expected an address or a network, found empty text"],
  [7, "expected an address or a network, found a number"],
  ["example.com", "expected an address or a network, found text of another form"],
  ["10.0.0.0/", "expected an address or a network, found text of another form"],
  ["10.0.0/8", "expected an address or a network, found text of another form"],
  ["010.0.0.1", "expected an address or a network, found text of another form"],
  ["fe80::1%eth0", "expected an address or a network, found text of another form"],
  ["10.0.0.0/33", "the network has more than 32 bits"],
  ["2001:db8::/129", "the network has more than 128 bits"],
])("%j is a fault", (value, fault) => {
  expect(faultsOf(configOf({ allow_clients: ["10.0.0.0/8", value] }))).toEqual([
    `server.allow_clients[1]: ${fault}. ${remedy}`,
  ]);
});

test("a variable holds the list as JSON", () => {
  const { settings } = load(configOf({}), { SERVER__ALLOW_CLIENTS: '["10.0.0.0/8"]' });
  expect(settings.server.allowClients).toEqual(["10.0.0.0/8"]);
});

test("a rate limit has defaults, and its numbers limits", () => {
  expect(settingsFrom({}).server.rateLimit).toBeNull();
  expect(settingsFrom({ server: { rate_limit: {} } }).server.rateLimit).toEqual({
    requestsPerSecond: 100,
    burst: 200,
  });
  const faults = faultsOf(configOf({ rate_limit: { requests_per_second: 0, burst: 0.5 } }));
  expect(faults.map((each) => each.split(":")[0])).toEqual([
    "server.rate_limit.requests_per_second",
    "server.rate_limit.burst",
  ]);
});
