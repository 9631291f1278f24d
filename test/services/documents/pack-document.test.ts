/** What is packed against what the schema says of the parsed text, and what is refused against JSON.parse. */
import { hash } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { overrideFinder } from "../../../src/cache/override-index.ts";
import { unpackInSteps } from "../../../src/cache/unpack-document.ts";
import {
  type EnvironmentDocument,
  environmentDocument,
  identityOverride,
} from "../../../src/models/environment-document.ts";
import { UpstreamError } from "../../../src/models/errors.ts";
import { isJsonObject, parseJson } from "../../../src/models/json.ts";
import type { PackedDocument } from "../../../src/models/packed-document.ts";
import { joinPages, packDocument } from "../../../src/services/documents/pack-document.ts";
import { randomDocument, secretMark } from "../../support/document-texts.ts";
import { exactText } from "../../support/reference-text.ts";

const bytesOf = (text: string) => new Uint8Array(Buffer.from(text));
const readBytes = (bytes: Uint8Array<ArrayBuffer>) => packDocument(joinPages([bytes]));
const documentWith = (members: string) =>
  `{"api_key":"k","feature_states":[],"project":{}${members === "" ? "" : `,${members}`}}`;

function packed(text: string): PackedDocument {
  return { ...readBytes(bytesOf(text)), compressed: [] };
}

function unpack(document: PackedDocument): EnvironmentDocument {
  const steps = unpackInSteps(document);
  for (let step = steps.next(); ; step = steps.next()) if (step.done === true) return step.value;
}

/** The document as schema and parser see it; null where it is none. */
function reference(text: string): EnvironmentDocument | null {
  try {
    return environmentDocument.parse(parseJson(text));
  } catch {
    return null;
  }
}

/** As a number, and not as a number's text, minus zero is written 0. */
function withoutMinusZero(value: unknown): unknown {
  if (value === 0) return 0;
  if (Array.isArray(value)) return value.map(withoutMinusZero);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutMinusZero(each)]));
}

function refusalOf(bytes: Uint8Array<ArrayBuffer>): UpstreamError {
  try {
    readBytes(bytes);
  } catch (error) {
    if (error instanceof UpstreamError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

/** Checks one text. @returns whether it is a document */
function agrees(text: string): boolean {
  const wanted = reference(text);
  if (wanted === null) {
    const refusal = refusalOf(bytesOf(text));
    expect(["document_invalid", "not_json"]).toContain(refusal.code);
    expect(inspect(refusal)).not.toContain(secretMark.slice(1));
    return false;
  }
  const { identity_overrides, ...rest } = wanted;
  const result = packed(text);
  const project = { ...rest.project, segments: rest.project.segments ?? [] };
  expect(unpack(result)).toEqual(withoutMinusZero({ ...rest, project }));
  expect(exactText(unpack(result))).toBe(exactText({ ...rest, project }));
  const find = overrideFinder(result);
  const identifiers = ["", "a", "constructor", ...(identity_overrides ?? []).map((each) => each.identifier)];
  for (const identifier of identifiers) {
    const own = (identity_overrides ?? []).filter((each) => each.identifier === identifier);
    // Found as they stand in the document, with what the schema does not describe.
    expect(exactText(find(identifier).map((each) => identityOverride.parse(each)))).toBe(exactText(own));
  }
  return true;
}

/** The same of bytes, which need not be UTF-8; a byte order mark before them does not count. */
function agreesOnBytes(bytes: Uint8Array<ArrayBuffer>): boolean {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    expect(refusalOf(bytes).code).toBe("not_json");
    return false;
  }
  return agrees(text);
}

/** Bytes that change what a JSON text means, more often than others would. */
const tellingBytes = [
  ...Buffer.from('"{}[],:\\ \n\t0-1eE.ntfu/i'),
  ...[0x00, 0x01, 0x1f, 0x7f, 0x80, 0xa0, 0xbf, 0xc2, 0xed, 0xef, 0xf0, 0xff],
];

describe("what is packed unpacks to what it says", () => {
  const one = '{"identifier":"a"}';
  const state = '{"feature":{"id":1,"name":"f"},"enabled":true,"feature_state_value":1.0}';

  it.each([
    documentWith(""),
    documentWith('"identity_overrides":null'),
    documentWith('"identity_overrides":[ \r\n\t]'),
    documentWith(`"identity_overrides":[${one} ,\n{"identifier" : "b"},${one}]`),
    documentWith(`"identity_overrides":[${one}],"identity_overrides":[{"identifier":"b"}]`),
    documentWith(`"identity_overrides":[${one}],"identity_overrides":null`),
    documentWith(`"identity_overrides":["of no kind"],"identity_overrides":[${one}]`),
    documentWith(`"identity_overrides":null,"identity_overrides":[${one}]`),
    documentWith(`"identity\\u005foverrides":[${one}],"x":{"identity_overrides":[1]}`),
    documentWith(`"x":"\\"identity_overrides\\":[","identity_overrides":[{"identifier":"]},{\\\\"}]`),
    documentWith(`"identity_overrides":[{"identifier":"\\u0061","identity_features":[${state}]}]`),
    documentWith('"identity_overrides":[{"identifier":"\\ud800"},{"identifier":"日本🙂"}]'),
    documentWith('"identity_overrides":[{"identifier":"x","identifier":"a"}]'),
    documentWith('"name":"one","name":"two","project":{"segments":[]},"api_key":"other"'),
    documentWith('"__proto__":{"name":"inherited"},"id":1.0'),
    `\r\n\t ${documentWith("")} \n`,
    documentWith(
      '"feature_states":[{"feature":{"id":10.0,"name":"f"},"enabled":false,"feature_state_value":'.concat(
        '123456789012345678901234567890,"django_id":"1.0"}]',
      ),
    ),
  ])("%s", (text) => {
    expect(agrees(text)).toBe(true);
  });

  it.each(["9007199254740993", "123456789012345678901234567890", "1e21", "5e-7", "-0", "10.0"])(
    "an id of %s unpacks as the schema has it",
    (id) => {
      const option = `"multivariate_feature_option":{"value":${id}}`;
      const variant = `{"id":${id},"percentage_allocation":${id},${option}}`;
      const values = `"feature_state_value":${id},"multivariate_feature_state_values":[${variant}]`;
      const odd = `{"feature":{"id":${id},"name":"f"},"enabled":true,${values}}`;
      const segment = `{"id":${id},"name":"s","feature_states":[${odd}]}`;
      const project = `{"segments":[${segment}],"server_key_only_feature_ids":[${id}]}`;
      const lists = `"id":${id},"feature_states":[${odd}],"project":${project}`;
      const override = `{"identifier":"a","identity_features":[${odd}]}`;
      expect(agrees(documentWith(`${lists},"identity_overrides":[${override}]`))).toBe(true);
    },
  );

  it("whatever the document, as far as it is one", () => {
    let documents = 0;
    const count = (text: string): void => {
      if (agrees(text)) documents += 1;
    };
    fc.assert(fc.property(randomDocument, count), { numRuns: 1000 });
    expect(documents).toBeGreaterThan(300);
  });
});

describe("what is not a document is refused", () => {
  const one = '{"identifier":"a"}';

  it.each([
    documentWith('"identity_overrides":[').slice(0, -1),
    documentWith(`"identity_overrides":[${one},]`),
    documentWith(`"identity_overrides":[,${one}]`),
    documentWith(`"identity_overrides":[${one} ${one}]`),
    documentWith(`"identity_overrides":[${one},,${one}]`),
    documentWith(`"identity_overrides":[${one}}`),
    documentWith(`"identity_overrides":{${one}]`),
    documentWith('"identity_overrides":[{"identifier":"a"]]'),
    documentWith('"identity_overrides":[{"identifier":"a","x":01}]'),
    documentWith(`"identity_overrides":[${one}]x`),
    documentWith(`"identity_overrides":[${one}] "x":1`),
    documentWith(`"identity_overrides" [${one}]`),
    documentWith(`"identity_overrides":[${one}],`),
    documentWith('"identity_overrides":{}'),
    documentWith('"identity_overrides":"[]"'),
    documentWith('"identity_overrides":[null]'),
    documentWith('"identity_overrides":[[]]'),
    documentWith('"identity_overrides":[{"identifier":1}]'),
    documentWith(`"identity_overrides":[${one}],"identity_overrides":[{}]`),
    documentWith('"name":"line\nbreak"'),
    `${documentWith("")}${documentWith("")}`,
    "",
    "[]",
    "null",
  ])("%j", (text) => {
    expect(agrees(text)).toBe(false);
  });

  it("where one byte is changed, exactly when JSON.parse or the schema refuses it", () => {
    const whole = '{"feature_states":[],"identity_overrides":[{"identifier":"a"} ,{"identifier":"b"}],';
    const bytes = [...bytesOf(`${whole}"api_key":"k", "project":{},"x":[-1.0e1,"\\u00e9é",null]}`)];
    let documents = 0;
    for (const at of bytes.keys()) {
      for (const [cut, put] of [
        [1, []],
        ...tellingBytes.flatMap(
          (byte) =>
            [
              [0, [byte]],
              [1, [byte]],
            ] as const,
        ),
      ] as const) {
        if (agreesOnBytes(Uint8Array.from(bytes.toSpliced(at, cut, ...put)))) documents += 1;
      }
    }
    expect(documents).toBeGreaterThan(500);
  });

  it("where some bytes of a random document are changed, in the same cases", () => {
    const byte = fc.oneof(fc.constantFrom(...tellingBytes), fc.nat(255));
    const at = fc.double({ min: 0, max: 1, noNaN: true });
    const edit = fc.record({ at, cut: fc.nat(2), put: fc.array(byte, { maxLength: 2 }) });
    const edits = fc.array(edit, { minLength: 1, maxLength: 3 });
    let documents = 0;
    const check = (text: string, changes: readonly { at: number; cut: number; put: number[] }[]): void => {
      const bytes = [...bytesOf(text)];
      for (const { at, cut, put } of changes) bytes.splice(Math.floor(at * bytes.length), cut, ...put);
      if (agreesOnBytes(Uint8Array.from(bytes))) documents += 1;
    };
    fc.assert(fc.property(randomDocument, edits, check), { numRuns: 2000 });
    expect(documents).toBeGreaterThan(20);
  });
});

test("bytes that are not UTF-8 are refused, wherever they stand", () => {
  for (const member of ['"name":"§"', '"x":"§"', '"identity_overrides":[{"identifier":"§"}]']) {
    const bytes = Buffer.from(documentWith(member), "latin1");
    expect(refusalOf(new Uint8Array(bytes)).code).toBe("not_json");
  }
});

test.each([
  ["not_json", ["", "[]", "null", '"x"', "1", "<html>"]],
  ["document_invalid", ["{", documentWith("").slice(0, -1), `${documentWith("")}x`, "{'a':1}"]],
])("is %s whether it is the only page, the first or another", (code, texts) => {
  const codeOf = (...pages: readonly string[]): string => {
    try {
      packDocument(joinPages(pages.map(bytesOf)));
    } catch (error) {
      if (error instanceof UpstreamError) return error.code;
    }
    return "none";
  };
  for (const text of texts) {
    const whole = documentWith("");
    expect([codeOf(text), codeOf(text, "{}"), codeOf(whole, text)]).toEqual([code, code, code]);
  }
});

test("a byte order mark is dropped, one alone and at the beginning alone", () => {
  const text = documentWith('"identity_overrides":[{"identifier":"a"}]');
  const { body, digest } = packed(`\uFEFF${text}`);
  expect(Buffer.from(body).toString()).toBe(text);
  expect(digest).toBe(packed(text).digest);
  expect(refusalOf(bytesOf(`\uFEFF\uFEFF${text}`)).code).toBe("not_json");
  expect(refusalOf(bytesOf(` \uFEFF${text}`)).code).toBe("not_json");
  expect(agrees(documentWith('"identity_overrides":[{"identifier":"\uFEFFa"}],"name":"\uFEFF"'))).toBe(true);
});

test("the body is kept as it came, and named by its SHA-256", () => {
  const text = ` ${documentWith('"x" : 1.0')}\n`;
  const { body, digest } = packed(text);
  expect(Buffer.from(body).toString()).toBe(text);
  expect(digest).toBe(hash("sha256", text));
});

describe("a refusal", () => {
  const state = (members: string) => `{"feature":{"id":1,"name":"f"},"feature_state_value":1${members}}`;

  it.each([
    ["{}", "api_key"],
    [documentWith('"api_key":""'), "api_key"],
    [documentWith(`"feature_states":[${state(',"enabled":true')},${state("")}]`), "feature_states.1.enabled"],
    [documentWith('"project":{"segments":[{"id":1}]}'), "project.segments.0.name"],
    [documentWith('"identity_overrides":{}'), "identity_overrides"],
    [documentWith('"identity_overrides":[{"identifier":"a"},7]'), "identity_overrides.1"],
    [
      documentWith(`"identity_overrides":[{"identifier":"a","identity_features":[${state("")}]}]`),
      "identity_overrides.0.identity_features.0.enabled",
    ],
  ])("of %s says where: %s", (text, path) => {
    const faults = environmentDocument.safeParse(parseJson(text)).error?.issues ?? [];
    const texts = faults.slice(0, 3).map((each) => `${each.path.join(".")}: ${each.message}`);
    const { code, message } = refusalOf(bytesOf(text));
    expect(message).toBe(`not an environment document: ${texts.join("; ")}`);
    expect(message).toContain(` ${path}: `);
    expect(code).toBe("document_invalid");
  });

  it("names three faults at most", () => {
    const states = Array.from({ length: 20 }, () => state("")).join(",");
    for (const list of [states, `${states}],"identity_overrides":[{"identity_features":[${states}]}`]) {
      const { message } = refusalOf(bytesOf(documentWith(`"feature_states":[${list}]`)));
      expect(message.match(/enabled/g)).toHaveLength(3);
    }
  });

  it.each([
    documentWith('"name":"geheim" "x"'),
    documentWith('"name":"geheim'),
    documentWith('"name":geheim'),
    documentWith('"identity_overrides":[{"identifier":"geheim" 1}]'),
    documentWith('"identity_overrides":[geheim]'),
    documentWith('"identity_overrides":{"geheim":"geheim"}'),
    documentWith('"id":"geheim","feature_states":["geheim"],"identity_overrides":["geheim"]'),
    documentWith('"identity_overrides":["geheim"]'),
    documentWith('"feature_states":[{"geheim":"geheim"}]'),
  ])("quotes nothing of the document: %s", (text) => {
    expect(inspect(refusalOf(bytesOf(text)), { depth: 9 })).not.toContain("geheim");
  });
});

describe("a document that is nested deeply", () => {
  const nested = (depth: number, number = "1"): string => `${"[".repeat(depth)}${number}${"]".repeat(depth)}`;
  const rulesOf = (depth: number): string =>
    `${'{"type":"ALL","rules":['.repeat(depth)}${"]}".repeat(depth)}`;
  /** Two levels for each rule; `segments` and the segment are two more, and two are its `rules`. */
  const members: readonly (readonly [string, (depth: number) => string])[] = [
    ["unknown members", (depth) => `"x":${nested(depth)}`],
    ["beside numbers that keep their text", (depth) => `"x":${nested(depth, "1.0")}`],
    ["an override", (depth) => `"identity_overrides":[{"identifier":"a","x":${nested(depth - 2, "1.0")}}]`],
    [
      "rules",
      (depth) => `"project":{"segments":[{"id":1,"name":"s","rules":[${rulesOf((depth - 4) / 2)}]}]}`,
    ],
  ];

  it.each(members)("is taken up to 256 deep, and read again: %s", (_, membersOf) => {
    const result = packed(documentWith(membersOf(256)));
    expect(unpack(result).api_key).toBe("k");
    expect(overrideFinder(result)("a").length).toBeLessThan(2);
  });

  it.each(members)("is refused beyond, by a message of its own: %s", (_, membersOf) => {
    for (const depth of [258, 20_000]) {
      const { code, message } = refusalOf(bytesOf(documentWith(membersOf(depth))));
      expect([code, message]).toEqual(["document_invalid", expect.stringContaining("more than 256 deep")]);
    }
  });
});

describe("long lists", () => {
  const pieceCharacters = 65_536;
  const states = Array.from({ length: 3000 }, (_, index) => {
    const value = index === 1500 ? `"${"long".repeat(pieceCharacters)}"` : `${index}.0`;
    const feature = `{"id":${index},"name":"feature ${index}"}`;
    return `{"feature":${feature},"enabled":true,"feature_state_value":${value},"x":"dropped"}`;
  });
  const segments = Array.from({ length: 3000 }, (_, index) => {
    const condition = `{"operator":"IN","property_":"p","value":"日本 ${index}"}`;
    return `{"id":${index},"name":"s","rules":[{"type":"ALL","conditions":[${condition}]}]}`;
  });
  const project = `"project":{"segments":[${segments.join(",")}]}`;
  const text = documentWith(`"feature_states":[${states.join(",")}],${project}`);

  it("are cut into pieces, none of which is longer than its last item lets it be", () => {
    const { featureStates, segments: segmentPieces } = packed(text);
    for (const pieces of [featureStates, segmentPieces]) {
      expect(pieces.length).toBeGreaterThan(1);
      expect(pieces.length).toBeLessThan(40);
      for (const piece of pieces) {
        const items = JSON.parse(Buffer.from(piece).toString()) as unknown[];
        const beforeLast = items.slice(0, -1).map((item) => JSON.stringify(item));
        expect(items.length).toBeGreaterThan(0);
        expect(beforeLast.join("").length).toBeLessThan(pieceCharacters);
      }
    }
  });

  it("unpack to what they were, in order", () => {
    expect(agrees(text)).toBe(true);
  });
});
