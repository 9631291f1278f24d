/**
 * Contract A4, A5 over HTTP: what the reference engine answers for whole documents.
 */
import { describe, expect, it } from "vitest";
import { ask, type TestApp } from "../support/contract-requests.ts";
import { exactText, readJsonFile } from "../support/reference-text.ts";
import { createTestApp } from "../support/test-app.ts";

interface GoldenCase {
  readonly name: string;
  readonly documentRef: number;
  readonly identity: { readonly identifier: string; readonly traits: readonly unknown[] } | null;
  readonly view: "client" | "server";
  readonly expect: { readonly flags: unknown };
}

const { documents, cases } = readJsonFile(new URL("../vectors/evaluations.json", import.meta.url)) as {
  documents: unknown[];
  cases: GoldenCase[];
};

async function flagsText(app: TestApp, { identity, view }: GoldenCase, isBulk: boolean): Promise<string> {
  const key = `${view === "server" ? "ser." : ""}key`;
  if (identity === null) return (await ask(app, "/api/v1/flags/", { key })).text;
  const body = exactText(identity);
  const answer = isBulk
    ? await ask(app, "/api/v1/bulk-identities/", { key, body: `{"data":[${body}]}` })
    : await ask(app, "/api/v1/identities/", { key, body });
  return /,"flags":(\[.*\])\}\]?$/s.exec(answer.text)?.[1] ?? answer.text;
}

describe.each(documents.map((each, index) => [index, exactText(each)] as const))(
  "document %i",
  (index, document) => {
    const own = cases.filter(({ documentRef }) => documentRef === index);

    it(`answers its ${own.length} questions as the reference does, fresh and kept`, async () => {
      const environment = { clientSideKey: "key", serverSideKey: "ser.key", document };
      const { app } = await createTestApp({ environments: [environment] });
      for (const isBulk of [false, false, true]) {
        for (const each of own) {
          expect([each.name, await flagsText(app, each, isBulk)]).toEqual([
            each.name,
            exactText(each.expect.flags),
          ]);
        }
      }
    });

    it("is served to server keys byte for byte", async () => {
      const environment = { clientSideKey: "key", serverSideKey: "ser.key", document };
      const { app } = await createTestApp({ environments: [environment] });
      expect((await ask(app, "/api/v1/environment-document/", { key: "ser.key" })).text).toBe(document);
    });

    it("answers each of its features alone as in the list", async () => {
      const environment = { clientSideKey: "key", serverSideKey: "ser.key", document };
      const { app } = await createTestApp({ environments: [environment] });
      for (const key of ["key", "ser.key"]) {
        const list = (await ask(app, "/api/v1/flags/", { key })).text;
        const names = (JSON.parse(list) as { feature: { name: string } }[]).map((flag) => flag.feature.name);
        const alone = names.map((name) =>
          ask(app, `/api/v1/flags/?feature=${encodeURIComponent(name)}`, { key }),
        );
        expect(`[${(await Promise.all(alone)).map(({ text }) => text).join(",")}]`).toBe(list);
      }
    });
  },
);
