/** Contract A1, A5, reliability E22 to E24: how the query of GET identities is read. */
import { describe, expect, it } from "vitest";
import { environmentA } from "../support/contract-documents.ts";
import { ask, expectFault, jsonOf } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const identifierOf = async (query: string) => {
  const { app } = await createTestApp({ environments: [environmentA()] });
  const answer = await ask(app, `/api/v1/identities/?${query}`);
  return (jsonOf(answer) as { identifier: string }).identifier;
};

describe("the identifier of GET identities", () => {
  it.each([
    ["identifier=x", "x"],
    ["identifier=a+b", "a b"],
    ["identifier=a%20b", "a b"],
    ["identifier=a%2Bb", "a+b"],
    ["identifier=user%40example.com", "user@example.com"],
    ["identifier=user@example.com", "user@example.com"],
    ["identifier=%D0%BA%D0%BB%D1%8E%D1%87", "ключ"],
    ["identifier=%F0%9F%98%80", "😀"],
    ["identifier=a%26b%3Dc", "a&b=c"],
    ["identifier=a=b", "a=b"],
    ["identifier=%2500", "%00"],
    ["identifier=+", " "],
    ["transient=true&identifier=x", "x"],
    ["transient=&identifier=x", "x"],
    ["transient=false&identifier=x", "x"],
    ["traits=evil&identifier=x", "x"],
    ["myidentifier=evil&identifier=x", "x"],
    ["a=identifier=evil&identifier=x", "x"],
    ["%69dentifier=x", "x"],
  ])("%s is %j", async (query, expected) => {
    expect(await identifierOf(query)).toBe(expected);
  });

  it("is the first of several", async () => {
    expect(await identifierOf("identifier=a&identifier=b")).toBe("a");
  });

  // Reliability E24 allows 200 or 422; taken literally, it could be the identifier of somebody else.
  it.each(["%ff", "%ED%A0%80", "%zz", "a%20%ff", "100%"])(
    "that cannot be decoded is refused: %s",
    async (raw) => {
      const { app } = await createTestApp({ environments: [environmentA()] });
      const answer = await ask(app, `/api/v1/identities/?identifier=${raw}`);
      expectFault(answer, ["query", "identifier"], "string_unicode");
    },
  );

  it.each(["x=%ff", "%ff=x", "feature=%zz"])("is read whatever stands beside it: %s", async (other) => {
    const { app } = await createTestApp({ environments: [environmentA()] });
    const { status } = await ask(app, `/api/v1/identities/?${other}&identifier=50%25`);
    expect(status).toBe(other.startsWith("feature") ? 404 : 200);
  });

  it("is not read behind a number sign, whatever was asked before", async () => {
    const { app } = await createTestApp({ environments: [environmentA()] });
    const statusOf = async (target: string) => (await ask(app, `/api/v1/identities${target}`)).status;
    const targets = ["#?identifier=x", "?identifier=x", "#?identifier=x", "?a=b#&identifier=x"];
    expect(await Promise.all(targets.map(statusOf))).toEqual([422, 200, 422, 422]);
  });

  it("may hold a percent sign that is encoded", async () => {
    expect(await identifierOf("identifier=100%25")).toBe("100%");
    expect(await identifierOf("identifier=%25ff")).toBe("%ff");
  });
});
