/** Contract A6: the document is what the upstream sent, byte for byte, with its headers. */
import { describe, expect, it } from "vitest";
import { documentText, environmentA, feature, number } from "../support/contract-documents.ts";
import { ask } from "../support/contract-requests.ts";
import { createTestApp } from "../support/test-app.ts";

const path = "/api/v1/environment-document/";
const key = "ser.A";
const get = async (document: string, lastModified: string | null = null) => {
  const { app } = await createTestApp({ environments: [{ ...environmentA(), document, lastModified }] });
  return ask(app, path, { key });
};

describe("the document's bytes", () => {
  it("keep spaces, order, escapes, duplicates and unknown fields", async () => {
    const text = documentText()
      .replace(
        /^\{/,
        `{ "unknown" : {"z":1,"a":[ 1 , 2 ]},\n\t"__proto__":{"x":1},"10":1,"2":1,"unknown":2, `,
      )
      .replace(`"Development"`, `"D\\u00e9v\\/elopment"`);
    expect((await get(text)).text).toBe(text);
  });

  it.each(["1.0", "9007199254740993", "123456789012345678901234567890", "-0", "1e3", "1E+3", "0.10"])(
    "keep the number text %s",
    async (number_) => {
      const features = [feature(1, "one", { value: number(number_) })];
      const text = documentText({ features, extra: { other: number(number_) } });
      const answer = await get(text);
      expect(answer.text).toBe(text);
      expect(answer.text).toContain(`"other":${number_}`);
    },
  );

  it("keep characters of every length in UTF-8", async () => {
    const text = documentText({ features: [feature(1, "größe", { value: "日本 😀 \u2028" })] });
    const answer = await get(text);
    expect(answer.bytes.equals(Buffer.from(text, "utf8"))).toBe(true);
  });

  it("hold what no view shows: server keys get everything", async () => {
    const features = [feature(1, "off", { enabled: false }), feature(2, "secret")];
    const text = documentText({ features, serverOnly: [2], hidesDisabled: true });
    expect((await get(text)).text).toBe(text);
  });
});

describe("the document's headers", () => {
  it("have no Link", async () => {
    expect((await get(documentText())).headers.has("link")).toBe(false);
  });

  it("have the upstream's Last-Modified, in the form of HTTP", async () => {
    const lastModified = "Thu, 18 Apr 2024 08:16:59 GMT";
    expect((await get(documentText(), lastModified)).headers.get("last-modified")).toBe(lastModified);
  });

  it("have a Last-Modified in whole seconds of updated_at where the upstream sent none", async () => {
    const answer = await get(documentText({ updatedAt: "2024-04-18T08:16:20.678868Z" }));
    expect(answer.headers.get("last-modified")).toBe("Thu, 18 Apr 2024 08:16:20 GMT");
  });

  it("never have a Last-Modified that is no date", async () => {
    for (const lastModified of ["nonsense", ""]) {
      const answer = await get(documentText(), lastModified);
      expect(answer.headers.get("last-modified")).toBe("Thu, 18 Apr 2024 08:16:20 GMT");
    }
  });

  it("have a Last-Modified that a client may send back to get a 304", async () => {
    const { app } = await createTestApp({ environments: [environmentA()] });
    const value = (await ask(app, path, { key })).headers.get("last-modified") ?? "";
    const answer = await ask(app, path, { key, headers: { "if-modified-since": value } });
    expect([answer.status, answer.text]).toEqual([304, ""]);
  });

  it("differ between documents that differ in one byte", async () => {
    const etags = [
      documentText(),
      `${documentText()} `,
      documentText({ updatedAt: "2024-04-18T08:16:20.678869Z" }),
    ];
    const answers = await Promise.all(etags.map((text) => get(text)));
    expect(new Set(answers.map(({ headers }) => headers.get("etag"))).size).toBe(3);
  });
});
