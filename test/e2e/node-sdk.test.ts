/** The official Node SDK against the running proxy: remote and local evaluation, and both say the same. */
import { DefaultFlag, type Flags, Flagsmith } from "flagsmith-nodejs";
import { pino } from "pino";
import { afterAll, afterEach, expect, it } from "vitest";
import { clientKey, demoDocumentWith, eventually, serverKey, startProxy } from "../support/running-proxy.ts";

const proxy = await startProxy({ config: { logging: { enable_access_log: true } } });
afterAll(() => proxy[Symbol.asyncDispose]());

type Options = ConstructorParameters<typeof Flagsmith>[0];
type Traits = Parameters<Flagsmith["getIdentityFlags"]>[1];

const clients: Flagsmith[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

function createClient(options: Options = {}): Flagsmith {
  const client = new Flagsmith({
    environmentKey: clientKey,
    apiUrl: `${proxy.url}/api/v1/`,
    retries: 0,
    logger: pino({ level: "silent" }),
    ...options,
  });
  clients.push(client);
  return client;
}

const createLocalClient = (options: Options = {}) =>
  createClient({ environmentKey: serverKey, enableLocalEvaluation: true, ...options });

/** Names to states, in the order of names. */
function statesOf(flags: Flags): Record<string, unknown> {
  const all = flags.allFlags().map(({ featureName, featureId, enabled, value }) => {
    return [featureName, { featureId, enabled, value: value ?? null }] as const;
  });
  return Object.fromEntries(all.sort(([left], [right]) => left.localeCompare(right)));
}

it("remote evaluation gets the environment's flags", async () => {
  const flags = await createClient().getEnvironmentFlags();
  expect(flags.isFeatureEnabled("checkout_v2")).toBe(false);
  expect(flags.getFeatureValue("banner_text")).toBe("Welcome!");
  expect(flags.getFeatureValue("button_colour")).toBe("grey");
  expect(flags.getFeatureValue("max_items")).toBe(25);
  expect(flags.getFlag("old_search")).toMatchObject({ enabled: false, value: "legacy", featureId: 8 });
});

it("remote evaluation gets an identity's flags by its traits", async () => {
  const client = createClient();
  const plain = await client.getIdentityFlags("bob");
  expect(plain.isFeatureEnabled("checkout_v2")).toBe(false);
  const beta = await client.getIdentityFlags("bob", { plan: "beta", app_version: "2.1.0" });
  expect(beta.getFlag("checkout_v2")).toMatchObject({ enabled: true, value: "one page" });
  expect(beta.getFeatureValue("banner_text")).toBe("Thanks for updating!");
  const buyer = await client.getIdentityFlags("bob", { cart_items: 12, country: "DE" });
  expect(buyer.getFeatureValue("free_shipping_from")).toBe(0);
});

it("transient identities and traits are evaluated as others are", async () => {
  const client = createClient();
  const transient = await client.getIdentityFlags("bob", { plan: { value: "beta", transient: true } }, true);
  expect(statesOf(transient)).toEqual(statesOf(await client.getIdentityFlags("bob", { plan: "beta" })));
});

it("an identity override is served to this identity alone", async () => {
  const client = createClient();
  expect((await client.getIdentityFlags("alice")).getFlag("old_search")).toMatchObject({
    enabled: true,
    value: "just for Alice",
  });
  expect((await client.getIdentityFlags("Alice")).isFeatureEnabled("old_search")).toBe(false);
});

it("features for server keys alone are seen with the server key alone", async () => {
  const asClient = await createClient().getEnvironmentFlags();
  expect(Object.keys(statesOf(asClient))).not.toContain("internal_margin");
  const asServer = await createClient({ environmentKey: serverKey }).getEnvironmentFlags();
  expect(asServer.getFeatureValue("internal_margin")).toBe("12");
});

it("defaults are used for unknown features, and where the key is unknown", async () => {
  const defaultFlagHandler = (name: string) => new DefaultFlag(`default of ${name}`, false);
  const flags = await createClient({ defaultFlagHandler }).getEnvironmentFlags();
  expect(flags.getFeatureValue("no_such_feature")).toBe("default of no_such_feature");
  const withWrongKey = await createClient({
    environmentKey: "wrong",
    defaultFlagHandler,
  }).getIdentityFlags("bob");
  expect(withWrongKey.getFeatureValue("banner_text")).toBe("default of banner_text");
});

it("without defaults an unknown key is an error", async () => {
  await expect(createClient({ environmentKey: "wrong" }).getEnvironmentFlags()).rejects.toThrow();
});

const identities: readonly [string, Traits][] = [
  ["alice", {}],
  ["bob", { plan: "beta" }],
  ["carol", { plan: "free", email: "carol@example.com" }],
  ["dave", { cart_items: 10, country: "FR" }],
  ["erin", { cart_items: 9, country: "FR" }],
  ["frank", { app_version: "2.0.0" }],
  ["grace", { app_version: "1.9.9" }],
  ["ünï cødé 😀", { plan: "beta", cart_items: 99, country: "GB", app_version: "10.0.0" }],
];

it("local evaluation of the proxy's document gives the answers of the proxy", async () => {
  const remote = createClient({ environmentKey: serverKey });
  const local = createLocalClient();
  expect(statesOf(await local.getEnvironmentFlags())).toEqual(statesOf(await remote.getEnvironmentFlags()));
  for (const [identifier, traits] of identities) {
    const expected = statesOf(await local.getIdentityFlags(identifier, traits));
    expect([identifier, statesOf(await remote.getIdentityFlags(identifier, traits))]).toEqual([
      identifier,
      expected,
    ]);
  }
});

it("percentage splits and variants put every identity where local evaluation puts it", async () => {
  const remote = createClient({ environmentKey: serverKey });
  const local = createLocalClient();
  const seen = new Set<unknown>();
  for (let number = 0; number < 100; number += 1) {
    const ours = await remote.getIdentityFlags(`user-${number}`);
    const theirs = await local.getIdentityFlags(`user-${number}`);
    expect(statesOf(ours)).toEqual(statesOf(theirs));
    seen.add(ours.getFeatureValue("button_colour")).add(ours.isFeatureEnabled("dark_mode"));
  }
  expect([...seen].map(String).sort()).toEqual(["blue", "false", "green", "grey", "true"]);
});

it("local evaluation takes up a new document that the proxy took up", async () => {
  await using own = await startProxy();
  const apiUrl = `${own.url}/api/v1/`;
  const local = createLocalClient({ apiUrl, environmentRefreshIntervalSeconds: 0.05 });
  expect((await local.getEnvironmentFlags()).getFeatureValue("banner_text")).toBe("Welcome!");
  own.upstream.setDocument(serverKey, demoDocumentWith({ banner_text: "Hello again!" }));
  await eventually(async () => {
    return (await local.getEnvironmentFlags()).getFeatureValue("banner_text") === "Hello again!";
  });
});

it("local evaluation with a client key gets no document", async () => {
  await expect(
    (async () => {
      const client = createClient({ enableLocalEvaluation: true });
      await client.getEnvironmentFlags();
    })(),
  ).rejects.toThrow();
});

it("analytics that are sent disturb no evaluation", async () => {
  const client = createClient({ enableAnalytics: true });
  const flags = await client.getIdentityFlags("bob", { plan: "beta" });
  expect(flags.isFeatureEnabled("checkout_v2")).toBe(true);
  await flags.analyticsProcessor?.flush();
  await eventually(() => proxy.lines.some(({ fields }) => fields["path"] === "/api/v1/analytics/flags/"));
  expect((await client.getEnvironmentFlags()).getFeatureValue("max_items")).toBe(25);
});
