/**
 * Random environment documents as JSON text, as an upstream might write them at its oddest: number text,
 * escapes, white space, keys that repeat, members that are missing or of the wrong kind. Most are valid.
 */
import fc from "fast-check";

/** Stands in every random string value, so that one sees whether a message quotes the document. */
export const secretMark = "§ecret";

/** Once in so many places a value is of the wrong kind. */
const brokenOnceIn = 150;

const space = fc.constantFrom("", "", "", " ", "\n", "\r\n\t", "  ");

/** The inside of a JSON string: plain, escaped, beyond ASCII, and halves of surrogate pairs. */
const characters = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 6 }).map((text) => JSON.stringify(text).slice(1, -1)),
      fc.constantFrom("\\u0061", "\\/", '\\"', "\\\\", "\\n", "é", "日本", "🙂", "]}", "{[", ",", ":"),
      fc.constantFrom("\\ud83d\\ude42", "\\ud800", "\\udc00x", "identity_overrides", "__proto__", "1.0"),
    ),
    { maxLength: 4 },
  )
  .map((parts) => parts.join(""));

const stringText = characters.map((inside) => `"${secretMark}${inside}"`);

/** Numbers of which JavaScript's would lose the text, among others. */
const numberText = fc.oneof(
  fc.constantFrom("0", "-1", "7", "1.0", "-0", "-0.0", "1e3", "1E+2", "1.10", "0.1", "-1.5e-7", "1e400"),
  fc.constantFrom("9007199254740993", "123456789012345678901234567890", "0.30000000000000000001"),
  fc.integer().map(String),
);

const scalarText = fc.oneof(numberText, stringText, fc.constantFrom("true", "false", "null"));

/** Lists a value's parts with white space around each. */
function spaced(open: string, parts: readonly string[], close: string, gap: string): string {
  return `${open}${gap}${parts.join(`${gap},${gap}`)}${gap}${close}`;
}

/** A list of such elements. */
function listOf(element: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<string> {
  return fc
    .tuple(fc.array(element, { maxLength }), space)
    .map(([elements, gap]) => spaced("[", elements, "]", gap));
}

/** Any JSON value, some levels deep. */
const anyValue: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    scalarText,
    listOf(tie("value"), 3),
    fc.tuple(fc.array(fc.tuple(characters, tie("value")), { maxLength: 3 }), space).map(([members, gap]) =>
      spaced(
        "{",
        members.map(([key, value]) => `"${key}"${gap}:${value}`),
        "}",
        gap,
      ),
    ),
  ),
})).value;

type Members = Readonly<Record<string, fc.Arbitrary<string>>>;

/** A key as it stands between quotes, now and then with one letter escaped. */
function keyText(key: string): fc.Arbitrary<string> {
  const code = key.charCodeAt(1).toString(16).padStart(4, "0");
  return fc.constantFrom(key, key, key, `${key[0]}\\u${code}${key.slice(2)}`);
}

/**
 * An object in any order of its members. Optional ones may be missing, any may be of the wrong kind or stand
 * there twice (the last one counts), and unknown ones stand between them.
 */
function objectOf(required: Members, optional: Members = {}): fc.Arbitrary<string> {
  const member = (key: string, value: fc.Arbitrary<string>) =>
    fc
      .tuple(keyText(key), space, fc.oneof({ arbitrary: value, weight: brokenOnceIn }, anyValue))
      .map(([text, gap, valueText]) => `"${text}"${gap}:${gap}${valueText}`);
  const needed = Object.entries(required).map(([key, value]) => member(key, value));
  const others = Object.entries(optional).map(([key, value]) =>
    fc.oneof(fc.constant(null), member(key, value), member(key, value)),
  );
  const unknown = fc.tuple(characters, anyValue).map(([key, value]) => `"x${key}":${value}`);
  const again = fc.oneof({ arbitrary: fc.constant(null), weight: 6 }, ...needed, ...others);
  const all = fc.tuple(...needed, ...others, fc.oneof(fc.constant(null), unknown), again);
  return fc
    .tuple(
      all.chain((each) => fc.shuffledSubarray(each, { minLength: each.length })),
      space,
    )
    .map(([members, gap]) => {
      const texts = members.filter((each) => each !== null);
      return spaced("{", texts, "}", gap);
    });
}

const wholeNumber = fc.oneof(fc.nat(1000).map(String), fc.constantFrom("1.0", "2e1", "30.00"));
const boolean = fc.constantFrom("true", "false");
const orNull = (text: fc.Arbitrary<string>) => fc.oneof({ arbitrary: text, weight: 3 }, fc.constant("null"));

const multivariateValue = objectOf(
  { multivariate_feature_option: objectOf({ value: scalarText }, { key: orNull(stringText) }) },
  {
    id: orNull(wholeNumber),
    mv_fs_value_uuid: orNull(stringText),
    percentage_allocation: orNull(numberText),
  },
);

const featureState = objectOf(
  {
    feature: objectOf({ id: wholeNumber, name: stringText }, { type: orNull(stringText) }),
    enabled: boolean,
    feature_state_value: scalarText,
  },
  {
    django_id: orNull(fc.oneof(wholeNumber, stringText)),
    featurestate_uuid: orNull(stringText),
    feature_segment: orNull(objectOf({}, { priority: orNull(numberText) })),
    multivariate_feature_state_values: orNull(listOf(multivariateValue, 2)),
  },
);

const condition = objectOf({}, { operator: stringText, value: anyValue, property_: orNull(stringText) });
const rule = objectOf({ type: stringText }, { conditions: orNull(listOf(condition, 2)) });
const segment = objectOf(
  { id: fc.oneof(wholeNumber, stringText), name: stringText },
  {
    rules: orNull(listOf(objectOf({ type: stringText }, { rules: listOf(rule, 2) }), 2)),
    feature_states: orNull(listOf(featureState, 1)),
  },
);

/** Few identifiers, so that some have several overrides; one name is written in two ways. */
const identifier = fc.oneof(
  fc.constantFrom('"a"', '"\\u0061"', '"b"', '""', '"__proto__"', '"constructor"', '"\\ud800"', '"é"'),
  stringText,
);
const override = objectOf({ identifier }, { identity_features: orNull(listOf(featureState, 1)) });

/** A whole document. */
export const randomDocument: fc.Arbitrary<string> = objectOf(
  {
    api_key: stringText,
    feature_states: listOf(featureState, 3),
    project: objectOf(
      {},
      {
        hide_disabled_flags: orNull(boolean),
        server_key_only_feature_ids: orNull(listOf(wholeNumber, 3)),
        segments: orNull(listOf(segment, 2)),
        organisation: orNull(objectOf({}, { stop_serving_flags: orNull(boolean) })),
      },
    ),
  },
  {
    id: orNull(wholeNumber),
    name: orNull(stringText),
    updated_at: orNull(stringText),
    allow_client_traits: orNull(boolean),
    identity_overrides: orNull(listOf(override, 4)),
  },
);
