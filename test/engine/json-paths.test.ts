/**
 * JSONPaths as properties of conditions, one row a rule (contract B 5.4, 5.7).
 * Every expected value is what the reference engine answers: Python's flag-engine 10.2.0 with the mappers of
 * the Python SDK 6.1.0, adjusted as contract A13 says.
 */
import { describe, expect, it } from "vitest";
import { parseJson } from "../../src/models/json.ts";
import { matchesCondition } from "../support/engine-cases.ts";

/** Numbers in it keep their text, so it is JSON text. */
const document = `{
  "feature_states": [
    {"feature": {"id": 3, "name": "10"}, "enabled": true, "feature_state_value": "ten", "django_id": 30},
    {"feature": {"id": 4, "name": "2"}, "enabled": false, "feature_state_value": 2.0, "django_id": 40},
    {"feature": {"id": 5, "name": "mv"}, "enabled": true, "feature_state_value": null,
      "featurestate_uuid": "u", "multivariate_feature_state_values": [
        {"mv_fs_value_uuid": "00000000-0000-0000-0000-0000000000ff", "percentage_allocation": 10.0,
          "multivariate_feature_option": {"value": "x"}},
        {"id": 7, "percentage_allocation": 0, "multivariate_feature_option": {"value": "y", "key": "why"}}]}
  ],
  "project": {"segments": [
    {"id": 50, "name": "fifty",
      "rules": [{"type": "ANY", "conditions": [{"property_": "p", "operator": "EQUAL", "value": "5"}]}],
      "feature_states": [{"feature": {"id": 3, "name": "10"}, "enabled": true, "feature_state_value": "fifty",
        "django_id": 31, "feature_segment": {"priority": 1}}]},
    {"id": 7, "name": "seven", "rules": []}
  ]}
}`;

/** What is so, property, operator, the condition's value, the traits in order as JSON text, the answer. */
type Row = readonly [
  says: string,
  property: string,
  operator: string,
  value: string | null,
  traits: string,
  matches: boolean,
];

const rows: Readonly<Record<string, readonly Row[]>> = {
  "JSONPath look-ups (B 5.4)": [
    ["a dot name takes a minus sign", "$.identity.traits.my-trait", "EQUAL", "a", '[["my-trait","a"]]', true],
    ["a dot name takes other scripts", "$.identity.traits.имя", "EQUAL", "a", '[["имя","a"]]', true],
    ["a dot name ends at U+FFFF", "$.identity.traits.😀", "IS_SET", null, '[["😀","b"]]', false],
    ["a quoted name has no such end", "$.identity.traits['😀']", "EQUAL", "a", '[["😀","a"]]', true],
    [
      "an escaped pair is one character",
      "$.identity.traits['\\ud83d\\uDE00']",
      "IS_SET",
      null,
      '[["😀","a"]]',
      true,
    ],
    [
      "half a pair is no path",
      "$.identity.traits['\\ud83d']",
      "EQUAL",
      "a",
      '[["$.identity.traits[\'\\\\ud83d\']","a"]]',
      true,
    ],
    [
      "an escaped control character is no path",
      "$.identity.traits['\\u000a']",
      "IS_SET",
      null,
      '[["\\n","a"]]',
      false,
    ],
    ["its short escape is one", "$.identity.traits['\\n']", "IS_SET", null, '[["\\n","a"]]', true],
    [
      "brackets may stand in quotes",
      "$.identity.traits[\"$['a']\"]",
      "IS_SET",
      null,
      '[["$[\'a\']","a"]]',
      true,
    ],
    [
      "space may stand between brackets",
      "$.identity [ 'traits' ] [\t'a'\n]",
      "IS_SET",
      null,
      '[["a","a"]]',
      true,
    ],
    ["space after a dot is no path", "$.identity. traits.a", "IS_SET", null, '[["a","a"]]', false],
    [
      "a trait of the path's own name wins",
      "$.identity.identifier",
      "EQUAL",
      "a",
      '[["$.identity.identifier","a"]]',
      true,
    ],
    ["the identity itself is no scalar", "$.identity", "IS_NOT_SET", null, "[]", true],
    ["what every object has is not set", "$.identity.traits.constructor", "IS_NOT_SET", null, "[]", true],
    ["the identifier is coerced", "$.identity.identifier", "EQUAL", "7", "[]", true],
    ["the key is not numeric", "$.identity.key", "EQUAL", "env_007", "[]", true],
    ["a negative index counts from the end", "$.features.mv.variants[-1].key", "EQUAL", "why", "[]", true],
    [
      "an index beyond the list is not set",
      "$.features.mv.variants[-3].value",
      "IS_NOT_SET",
      null,
      "[]",
      true,
    ],
    ["an index finds nothing in an object", "$.identity.traits[0]", "IS_NOT_SET", null, '[["0","a"]]', true],
    ["a leading zero is no path", "$.features[01]", "IS_SET", null, '[["$.features[01]","a"]]', true],
    [
      "an index beyond 2^53 raises",
      "$.a[9007199254740992]",
      "IS_SET",
      null,
      '[["$.a[9007199254740992]","a"]]',
      false,
    ],
    ["so it is not unset either", "$.a[9007199254740992]", "IS_NOT_SET", null, "[]", false],
    ["an unknown function raises", "$.features[?foo(@)]", "IS_NOT_SET", null, "[]", false],
    ["a function of a wrong type raises", "$.features[?length(@.*) == 1]", "IS_NOT_SET", null, "[]", false],
    ["a broken path is a trait's name", "$.features[?(@.a", "EQUAL", "a", '[["$.features[?(@.a","a"]]', true],
  ],
  "JSONPaths into the context of the Python SDK (B 5.7)": [
    ["features come in document order", "$.features.*.name", "EQUAL", "10", "[]", true],
    ["and so do segments", "$.segments.*.key", "EQUAL", "50", "[]", true],
    ["and so do traits", "$.identity.traits.*", "EQUAL", "first", '[["b","first"],["1","second"]]', true],
    [
      "the identity's key stands after its traits",
      "$.identity[?@ == 'env_007' || @.x]",
      "IS_NOT_SET",
      null,
      '[["x","a"]]',
      true,
    ],
    [
      "a condition has a property",
      "$.segments['50'].rules[0].conditions[0].property",
      "EQUAL",
      "p",
      "[]",
      true,
    ],
    [
      "not the document's",
      "$.segments['50'].rules[0].conditions[0].property_",
      "IS_NOT_SET",
      null,
      "[]",
      true,
    ],
    [
      "a feature without variants has no such member",
      "$.features[?@.variants].name",
      "EQUAL",
      "mv",
      "[]",
      true,
    ],
    ["nor has one without an override a priority", "$..priority", "EQUAL", "255", "[]", true],
    ["a uuid is one number", "$.features.mv.variants[0].priority", "EQUAL", "255", "[]", true],
    ["a variant without a key has no such member", "$..variants[?@.key].value", "EQUAL", "y", "[]", true],
    ["a weight keeps its text", "$.features.mv.variants[0].weight", "REGEX", "10[.]0$", "[]", true],
    [
      "an override stands with its priority",
      "$.segments['50'].overrides[0].priority",
      "EQUAL",
      "1",
      "[]",
      true,
    ],
    ["a segment's metadata names its source", "$.segments['50'].metadata.source", "EQUAL", "api", "[]", true],
    ["only the first node counts", "$.segments['50'].*[0]", "IS_NOT_SET", null, "[]", true],
  ],
  "JSONPath filters as the reference evaluates them": [
    ["zero below one", "$.features.mv.variants[?@.weight > 0.5].value", "EQUAL", "x", "[]", true],
    [
      "a scalar is asked whether it is true",
      "$.identity.traits[?@]",
      "EQUAL",
      "d",
      '[["a",0],["b",""],["d","d"]]',
      true,
    ],
    ["length counts code points", "$.identity.traits[?length(@) == 1]", "IS_SET", null, '[["b","😀"]]', true],
    ["zero is not true", "$.identity.traits[?!length(@)]", "EQUAL", "", '[["a","ab"],["b",""]]', true],
    ["true is more than zero", "$.identity.traits[?@ > 0]", "EQUAL", "true", '[["a",true]]', true],
    ["but is not one", "$.identity.traits[?@ == 1]", "IS_NOT_SET", null, '[["a",true]]', true],
    [
      "big integers are exact",
      "$.identity.traits[?@ > 9007199254740992]",
      "IS_SET",
      null,
      '[["a",9007199254740993]]',
      true,
    ],
    [
      "strings are ordered by code points",
      "$.identity.traits[?@ > '\uffff']",
      "EQUAL",
      "😀",
      '[["b","😀"]]',
      true,
    ],
    ["a slice goes backwards", "$.features.mv.variants[::-1].value", "EQUAL", "y", "[]", true],
    ["descendants come after their parent", "$.features..value", "EQUAL", "ten", "[]", true],
    ["search looks anywhere", "$.features[?search(@.name, '[0-9]')].value", "EQUAL", "ten", "[]", true],
    ["match takes the whole", "$.features[?match(@.name, '[a-z]')].name", "IS_NOT_SET", null, "[]", true],
    ["\\d is no I-Regexp", "$.features[?search(@.name, '\\\\d')].name", "IS_NOT_SET", null, "[]", true],
    ["braces take one digit", "$.features[?match(@.name, '1.{0,1}')].name", "EQUAL", "10", "[]", true],
    ["and no more", "$.features[?match(@.name, '1.{0,10}')].name", "IS_NOT_SET", null, "[]", true],
    ["counting a number raises", "$.identity.traits[?count(@) == 1]", "IS_NOT_SET", null, '[["a",1]]', false],
    ["an integer beyond a float's range raises", "$.features[?1e999 > 1]", "IS_NOT_SET", null, "[]", false],
  ],
};

describe.each(Object.entries(rows))("%s", (_title, cases) => {
  it.each(cases)("%s", (_says, property, operator, value, traits, matches) => {
    const pairs = parseJson(traits) as (readonly [string, string])[];
    const input = { property, operator, value, traits: pairs, document: parseJson(document) };
    expect(matchesCondition(input)).toBe(matches);
  });
});

it("takes a path that is nested beyond the stack for one that the reference raises on", () => {
  const property = `$.a[?${"(".repeat(20_000)}@${")".repeat(20_000)}]`;
  expect(matchesCondition({ property, operator: "IS_NOT_SET", value: null, traits: [] })).toBe(false);
});
