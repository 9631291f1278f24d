/** Ids that a JavaScript number cannot hold: answers stay JSON, and what is hidden stays hidden (A2, A4). */
import { expect, it } from "vitest";
import { parseJson } from "../../src/models/json.ts";
import { documentText, feature } from "../support/contract-documents.ts";
import { ask, namesOf } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const paths = ["/api/v1/flags/", "/api/v1/identities/?identifier=x"];

/** Two features, of which the one with the odd id is for server keys alone. */
async function startWith(id: string) {
  const odd = feature(4242, "odd", { value: "secret", djangoId: 1 });
  const text = documentText({ features: [feature(2, "plain"), odd], serverOnly: [4242] });
  const keys = { clientSideKey: "clientA", serverSideKey: "ser.A" };
  return await createTestApp({ environments: [{ ...keys, document: text.replaceAll("4242", id) }] });
}

const ids = ["9007199254740993", "123456789012345678901234567890", "1e21", "12.50"];

it.each(ids)("a feature of the id %s is served to a server key, as JSON", async (id) => {
  const { app } = await startWith(id);
  for (const path of paths) {
    const answer = await ask(app, path, { key: "ser.A" });
    expect(() => parseJson(answer.text)).not.toThrow();
    expect(namesOf(answer)).toEqual(["plain", "odd"]);
    expect(Number(/"id":([^,]+),"name":"odd"/.exec(answer.text)?.[1])).toBe(Number(id));
  }
  expect((await ask(app, "/api/v1/flags/?feature=odd", { key: "ser.A" })).status).toBe(200);
});

it.each(ids)(
  "a feature of the id %s that is for server keys alone is hidden from a client key",
  async (id) => {
    const { app } = await startWith(id);
    for (const path of paths) {
      const answer = await ask(app, path);
      expect(namesOf(answer)).toEqual(["plain"]);
      expect(answer.text).not.toContain("secret");
    }
    expect((await ask(app, "/api/v1/flags/?feature=odd")).status).toBe(404);
  },
);
