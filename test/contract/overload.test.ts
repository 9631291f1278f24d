/** Contract A3, reliability 2.10: what is refused when a turn has no time left, and what is not. */
import { describe, expect, it } from "vitest";
import { environmentA } from "../support/contract-documents.ts";
import { ask } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const identities = "/api/v1/identities/";

async function createApp() {
  let hasTime = true;
  const { app } = await createTestApp({ environments: [environmentA()], hasTime: () => hasTime });
  return {
    app,
    spend() {
      hasTime = false;
    },
  };
}

describe("a turn without time", () => {
  it.each([
    [identities, { identifier: "new" }],
    [identities, "{"],
    [`${identities}?identifier=new`, undefined],
    ["/api/v1/bulk-identities/", { data: [{ identifier: "new" }] }],
  ])("evaluates and parses nothing: %s", async (path, body) => {
    const { app, spend } = await createApp();
    spend();
    const answer = await ask(app, path, body === undefined ? {} : { body });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(JSON.parse(answer.text)).toMatchObject({ status: "overloaded" });
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
  });

  it("gives answers that are ready", async () => {
    const { app, spend } = await createApp();
    const paths = ["/api/v1/flags/", "/health", `${identities}?identifier=known`];
    // An answer is kept from the second time on that it is asked for.
    for (let turn = 0; turn < 2; turn += 1) {
      await ask(app, identities, { body: { identifier: "known" } });
      for (const path of paths) await ask(app, path);
    }
    spend();
    for (const path of paths) expect([path, (await ask(app, path)).status]).toEqual([path, 200]);
    expect((await ask(app, identities, { body: { identifier: "known" } })).status).toBe(200);
  });

  it("tells who may not ask, all the same", async () => {
    const { app, spend } = await createApp();
    spend();
    expect((await ask(app, identities, { key: "wrong", body: { identifier: "x" } })).status).toBe(401);
  });
});
