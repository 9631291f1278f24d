/** The section `webhook`: off by default, and which secrets are good enough. */
import { expect, it, test } from "vitest";
import { faultsOf, load, pair } from "./config-folder.ts";

const base = { environment_key_pairs: [pair] };
const path_secret = "0123456789abcdef";
const signing_secret = "fedcba9876543210";

it("is off by default", () => {
  expect(load(base).settings.webhook).toBe(null);
});

it("takes a webhook with both secrets, from files too", () => {
  const webhook = { path_secret, signing_secret: "$" + "{file:secret}" };
  const { settings } = load({ ...base, webhook }, {}, { secret: `${signing_secret}\n` });
  expect(settings.webhook).toEqual({
    pathSecret: path_secret,
    signingSecret: signing_secret,
    bodyBytesMax: 262_144,
  });
});

test.each([
  [{ path_secret }, "webhook.signing_secret: it is missing, and a webhook needs both"],
  [{ signing_secret }, "webhook.path_secret: it is missing, and a webhook needs both"],
  [{ path_secret, signing_secret: path_secret }, "webhook.signing_secret: it is the same as"],
  [{ path_secret: "0123456789abcde", signing_secret }, "webhook.path_secret: expected 16 to 128"],
  [{ path_secret: "0123456789abcde/", signing_secret }, "webhook.path_secret: expected 16 to 128"],
  [{ path_secret, signing_secret: "fedcba987654321" }, "webhook.signing_secret: expected 16 to 255"],
  [{ path_secret, signing_secret: "" }, "webhook.signing_secret: expected 16 to 255"],
  [{ path_secret, signing_secret: 1234567890123456 }, "webhook.signing_secret: expected 16 to 255"],
])("webhook %j is a fault, which shows no secret", (webhook, fault) => {
  const faults = faultsOf({ ...base, webhook });
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain(fault);
  for (const value of Object.values(webhook).filter((each) => each !== "")) {
    expect(faults[0]).not.toContain(String(value));
  }
});
