/** Contract A2, A3: every kind of key against every route, and nothing of a neighbour. */
import { describe, expect, it } from "vitest";
import { documentText, feature } from "../support/contract-documents.ts";
import { type Answer, ask, expectError, type TestApp } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const documentA = documentText({
  key: "clientA",
  features: [feature(1, "shared", { value: "of A" }), feature(2, "server_only_A", { value: "secret A" })],
  serverOnly: [2],
});
const documentB = documentText({
  key: "clientB",
  features: [feature(1, "shared", { value: "of B" }), feature(2, "server_only_B", { value: "secret B" })],
  serverOnly: [2],
});

function createTwoEnvironments() {
  return createTestApp({
    environments: [
      { clientSideKey: "clientA", serverSideKey: "ser.A", document: documentA },
      { clientSideKey: "clientB", serverSideKey: "ser.B", document: documentB },
    ],
  });
}

interface Route {
  readonly path: string;
  readonly body?: object;
}

const flagRoutes: readonly Route[] = [
  { path: "/api/v1/flags" },
  { path: "/api/v1/flags/" },
  { path: "/api/v1/flags?feature=shared" },
  { path: "/api/v1/identities?identifier=x" },
  { path: "/api/v1/identities/?identifier=x" },
  { path: "/api/v1/identities?identifier=x&feature=shared" },
  { path: "/api/v1/identities", body: { identifier: "x", traits: [] } },
  { path: "/api/v1/identities/", body: { traits: [{ trait_key: "a", trait_value: 1 }] } },
  { path: "/api/v1/bulk-identities", body: { data: [{ identifier: "x" }] } },
  { path: "/api/v1/bulk-identities/", body: { data: [{ identifier: "x" }] } },
];
const documentRoutes: readonly Route[] = [
  { path: "/api/v1/environment-document" },
  { path: "/api/v1/environment-document/" },
];
const routes = [...flagRoutes, ...documentRoutes];
const wrongKeys = [
  "wrong",
  "CLIENTA",
  "clientA2",
  "client",
  "ser.",
  "ser.a",
  "__proto__",
  "constructor",
  "toString",
];

const send = (app: TestApp, { path, body }: Route, key: string | null): Promise<Answer> =>
  ask(app, path, { key, ...(body === undefined ? {} : { body }) });

describe.each(routes)("$path $body", (route) => {
  it("answers 401 without a key, and with an empty one", async () => {
    const { app } = await createTwoEnvironments();
    for (const key of [null, "", " "]) expectError(await send(app, route, key), 401, "unauthorized");
  });

  it.each(wrongKeys)("answers 401 to the key %s, and names it", async (key) => {
    const { app } = await createTwoEnvironments();
    const answer = await send(app, route, key);
    expectError(answer, 401, "unauthorized", `unknown key '${key}'`);
    expect(answer.text).not.toMatch(/ser\.[AB]|clientA'|clientB/);
  });
});

describe.each(flagRoutes)("$path $body", (route) => {
  it.each([
    ["clientA", "of A", "of B"],
    ["ser.A", "of A", "of B"],
    ["clientB", "of B", "of A"],
    ["ser.B", "of B", "of A"],
  ])("answers the key %s with its own environment alone", async (key, own, other) => {
    const { app } = await createTwoEnvironments();
    const answer = await send(app, route, key);
    expect(answer.status).toBe(200);
    expect(answer.text).toContain(own);
    expect(answer.text).not.toContain(other);
    if (key.startsWith("client")) expect(answer.text).not.toMatch(/secret|server_only/);
    else if (!route.path.includes("feature=")) expect(answer.text).toContain(`secret ${key.at(-1)}`);
  });

  it("takes the key in a header of any case", async () => {
    const { app } = await createTwoEnvironments();
    for (const name of ["x-environment-key", "X-environment-key", "X-ENVIRONMENT-KEY"]) {
      const { path, body } = route;
      const answer = await ask(app, path, {
        key: null,
        headers: { [name]: "clientB" },
        ...(body && { body }),
      });
      expect(answer.text).toContain("of B");
    }
  });
});

describe.each(documentRoutes)("$path", (route) => {
  it.each(["clientA", "clientB"])("never gives the document to the client key %s", async (key) => {
    const { app } = await createTwoEnvironments();
    const answer = await send(app, route, key);
    expectError(answer, 401, "unauthorized", `unknown key '${key}'`);
    expect(answer.text).not.toMatch(/ser\./);
    const conditional = await ask(app, route.path, { key, headers: { "if-none-match": "*" } });
    expect(conditional.status).toBe(401);
  });

  it("gives each server key its own document", async () => {
    const { app } = await createTwoEnvironments();
    expect((await send(app, route, "ser.A")).text).toBe(documentA);
    expect((await send(app, route, "ser.B")).text).toBe(documentB);
  });
});
