/** The fast way to read identity bodies: what it takes it reads as the general way does (contract A5). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RequestError } from "../../src/models/errors.ts";
import { type IdentityRequest, IdentityRequestReader } from "../../src/models/identity-request.ts";
import { readPlainIdentityBody } from "../../src/models/plain-identity-body.ts";
import type { RequestLimits } from "../../src/models/settings.ts";
import { parseBody } from "../../src/routes/request-body.ts";

const limits: RequestLimits = {
  bodyBytesMax: 10_000,
  identifierCharactersMax: 20,
  traitKeyCharactersMax: 10,
  traitValueCharactersMax: 12,
  traitsMax: 4,
  bulkIdentitiesMax: 10,
};

/** @returns null for a body with faults */
function readGenerally(bytes: Buffer): IdentityRequest | null {
  const parsed = parseBody(bytes);
  if (parsed instanceof RequestError) return null;
  const reader = new IdentityRequestReader(limits);
  const request = reader.read(parsed.json, ["body"]);
  return reader.details.length === 0 ? request : null;
}

/** Whether the fast way takes it; it fails where the two ways differ. */
function isTaken(body: string | Buffer): boolean {
  const bytes = Buffer.from(body as string);
  const plain = readPlainIdentityBody(bytes, limits);
  if (plain !== null) expect(plain).toEqual(readGenerally(bytes));
  return plain !== null;
}

describe("what SDKs send is taken", () => {
  it.each([
    '{"identifier":"a"}',
    '{"identifier":"a","traits":[]}',
    '{"identifier": "a", "traits": [{"trait_key": "k", "trait_value": 1}]}',
    '{"traits":[{"trait_key":"k","trait_value":1},{"trait_key":"","trait_value":"v"}]}',
    '{"traits":[{"trait_key":"k","trait_value":true,"transient":true}],"identifier":""}',
    '{"identifier":"Zoë","traits":[{"trait_key":"größe","trait_value":"über"}]}',
    ' {\n\t"identifier" : "a" , "traits" : [ { "trait_key" : "k" , "trait_value" : null } ] }\r\n',
    ...["0", "1", "-1", "999999999999999", "0.5", "-12.25", "false", '""', '"0"'].map(
      (value) => `{"identifier":"a","traits":[{"trait_key":"k","trait_value":${value}}]}`,
    ),
  ])("%s", (body) => expect(isTaken(body)).toBe(true));
});

describe("what else there is, is left to the general way", () => {
  it.each([
    "",
    "{}",
    "{",
    '{"identifier":"a"',
    '{"identifier":"a"}x',
    '{"identifier":"a",}',
    '{"identifier":"a" "traits":[]}',
    '{"identifier" "traits":[]}',
    '{"identifier""traits":[],"identifier":"a"}',
    '{"identifier":"a","identifier":"b"}',
    '{"identifier":"a\\n"}',
    '{"identifier":"a\n"}',
    '{"identifier":"\\u0061"}',
    '{"identifier":"123456789012345678901"}',
    '{"identifier":null}',
    '{"identifier":1}',
    '{"identifier":"a","other":1}',
    '{"identifier":"a","traits":[{"trait_key":"k"}]}',
    '{"identifier":"a","traits":[{"trait_value":1,"trait_key":"k"}]}',
    '{"identifier":"a","traits":[{"trait_key":"k","trait_value":[]}]}',
    '{"identifier":"a","traits":[{"trait_key":"k","trait_value":1,"transient":1}]}',
    '{"identifier":"a","traits":[{"trait_key":"k","trait_value":1},]}',
    '\ufeff{"identifier":"a"}',
    ...[
      "-0",
      "1.0",
      "1.10",
      "1e3",
      "01",
      "-01",
      "1.",
      ".5",
      "-",
      "1-2",
      "--1",
      "0.0000001",
      "1234567890123456",
      "tru",
    ].map((value) => `{"identifier":"a","traits":[{"trait_key":"k","trait_value":${value}}]}`),
  ])("%s", (body) => expect(isTaken(body)).toBe(false));

  it("bytes that are no UTF-8", () => {
    const body = Buffer.from('{"identifier":"a?"}');
    body[15] = 0xff;
    expect(isTaken(body)).toBe(false);
  });

  it("more traits than there may be", () => {
    const traits = (count: number) => Array(count).fill('{"trait_key":"k","trait_value":1}').join(",");
    expect(isTaken(`{"identifier":"a","traits":[${traits(4)}]}`)).toBe(true);
    expect(isTaken(`{"identifier":"a","traits":[${traits(5)}]}`)).toBe(false);
  });
});

const scalar = fc.oneof(
  fc.string({ maxLength: 14, unit: "grapheme" }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);
const trait = fc.record(
  { trait_key: fc.string({ maxLength: 11 }), trait_value: scalar, transient: fc.boolean() },
  { requiredKeys: ["trait_key", "trait_value"] },
);
const body = fc.record(
  { identifier: fc.string({ maxLength: 21, unit: "grapheme" }), traits: fc.array(trait, { maxLength: 5 }) },
  { requiredKeys: [] },
);

it("any request is read as by the general way", () => {
  let taken = 0;
  fc.assert(
    fc.property(body, fc.constantFrom(undefined, 1), (request, space) => {
      if (isTaken(JSON.stringify(request, undefined, space))) taken += 1;
    }),
    { numRuns: 2000 },
  );
  expect(taken).toBeGreaterThan(500);
});

it("any byte changed, left out or put in is read as by the general way", () => {
  const text = '{"identifier":"a é","traits":[{"trait_key":"k","trait_value":-10.5,"transient":false}]}';
  const bytes = Buffer.from(text);
  const edit = fc.tuple(
    fc.nat(bytes.length),
    fc.nat(2),
    fc.constantFrom(...Buffer.from('{}[]":,\\0123.-eE tfn\n\u00e9\u0001')),
  );
  fc.assert(
    fc.property(edit, edit, (...edits) => {
      let edited = bytes;
      for (const [place, kept, byte] of edits) {
        edited = Buffer.concat([
          edited.subarray(0, place),
          Buffer.from([byte]),
          edited.subarray(place + kept),
        ]);
      }
      isTaken(edited);
    }),
    { numRuns: 20_000 },
  );
});
