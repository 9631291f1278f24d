// Tests of which engine `compileRegex` chooses and what it refuses. They must not measure time: that a
// pattern is linear shows in the engine it runs on. The patterns called invalid are those that Python
// 3.11.7 raised on.

import { describe, expect, it } from "vitest";
import { compileRegex } from "../../../src/engine/regex/compile-regex.ts";

function engineOf(pattern: string): string {
  const compiled = compileRegex(pattern);
  return compiled.kind === "compiled" ? compiled.engine : compiled.refusal;
}

function matches(pattern: string, text: string): boolean {
  const compiled = compileRegex(pattern);
  if (compiled.kind === "refused") {
    throw new Error(`${pattern} was refused: ${compiled.detail}`);
  }
  return compiled.matches(text);
}

describe("compileRegex", () => {
  it.each([
    "\\q",
    "\\z",
    "\\pL",
    "\\Q",
    "\\E",
    "\\8",
    "\\400",
    "[\\8]",
    "[\\400]",
    "[\\A]",
    "[\\B]",
    "\\x4",
    "\\u123",
    "\\U00110000",
    "\\",
    "a\\",
    "\\N",
    "\\N{}",
    "[",
    "[]",
    "[^]",
    "[a",
    "[z-a]",
    "[\\d-z]",
    "[a-\\d]",
    "a**",
    "a{2}{3}",
    "a???",
    "a+?+",
    "*a",
    "a|*",
    "(*)",
    "{1}",
    "^*",
    "$+",
    "\\b+",
    "\\Z?",
    "(?i)*",
    "(?x)a* ?",
    "a{2,1}",
    "a{4294967295}",
    "a{4294967295,}",
    "(",
    ")",
    "(a))",
    "(?",
    "(?:",
    "(?P",
    "(?P<",
    "(?P<n",
    "(?P<>a)",
    "(?P<1>a)",
    "(?P<n n>a)",
    "(?P<n>a)(?P<n>b)",
    "(?P>n)",
    "(?P=n)",
    "(?<n>a)",
    "(?<",
    "(?#",
    "(?z)",
    "(?iz)",
    "(?i z)",
    "(?)",
    "(?-)",
    "(?i-)",
    "(?-:a)",
    "(?i",
    "(?L)a",
    "(?L:a)",
    "(?au)a",
    "(?a)(?u)a",
    "(?-a:x)",
    "(?i-i:a)",
    "(?t:a)",
    "(?t)a*",
    "a(?i)",
    "|(?i)a",
    "((?i)a)",
    "(?:(?i)a)",
    "(?x:#)",
    "(?<=a|bc)",
    "(?<=a*)",
    "(?<!a?)",
    "(a\\1)",
    "(?<=(a)\\1)",
    "(?(1)a|b)",
    "(?(n)a)",
    "(a)(?(1)b|c|d)",
    "(?(0)a)",
  ])("refuses %j as invalid, since Python raises", (pattern) => {
    expect(engineOf(pattern)).toBe("invalid");
  });

  it.each([
    ["(a)\\1"],
    ["(?P<n>a)(?P=n)"],
    ["a*+"],
    ["a{2}+"],
    ["(?>a)"],
    ["(a)(?(1)b|c)"],
    ["\\N{EM DASH}"],
    ["(?<=(a))\\1"],
  ])("refuses %j as unsupported, since it is valid but not linear", (pattern) => {
    expect(engineOf(pattern)).toBe("unsupported");
  });

  it.each([
    ["(?!x)(a+)+$"],
    ["(?=(a|a)*b)"],
    ["(?:(?!.*foo).)*$"],
    ["(?=a).*.*b"],
    ["a*(?=b*c)"],
    ["a*a*(?!b)"],
    ["(?!x)(?:(?:a?)+b)*$"],
    ["(?!x)(?:c?a*)*$"],
    ["(?!x)(?:a*c?)*$"],
    ["(?!x)(?:[ab]{40}c)*(?:[ab]{39}d)*(?:[ab]{38}e)*$"],
    [`(?!x)a*${"b".repeat(300)}`],
    ["(?=(?:a?){30}a{30}b)"],
    ["(?:(?=(?:.(?=.{90}x)){90}y).)*"],
    ["(((a{100}){100}){100})"],
    ["(?=(a{1000}){1000}).*.*b"],
    [`(?!${"(?:a|b|a)".repeat(9)}c)`],
    ["(?:(?<=(?:a|a|a)(?:a|a|a)(?:a|a|a)(?:a|a|a)(?:a|a|a)(?:a|a|a)(?:a|a|a)b).)*"],
  ])("refuses %j as unproven, since a backtracking engine may be slow on it", (pattern) => {
    expect(engineOf(pattern)).toBe("unproven");
  });

  it.each([
    ["(a+)+$"],
    ["(a|a)*$"],
    ["(a|aa)+$"],
    ["(.*)*b"],
    ["(.*.*)*\\Z"],
    ["(?:a?){200}a{200}$"],
    ["(x+x+)+y"],
    ["\\b(\\w+\\s?)*\\b!"],
    ["(?m)(^.*$\\n?)*x"],
    ["(?i)([a-z]+)*\\d"],
    ["é*é*é*é*é*!"],
  ])("runs %j on RE2, even on 2,000 characters that almost match", (pattern) => {
    expect(engineOf(pattern)).toBe("re2");
    expect(matches(pattern, `${"a".repeat(2_000)}\0`)).toBe(
      pattern === "(?m)(^.*$\\n?)*x" ? false : matches(pattern, "a\0"),
    );
  });

  it.each([
    ["a$"],
    ["a$\\n"],
    ["\\bé"],
    ["(?i)ſ"],
    ["(?m)^a$"],
    ["[^\\W\\d]+\\b"],
    ["a{1000}"],
    ["(?a)\\bx"],
    ["\\ud800"],
  ])("runs %j on RE2, which has no such construct of its own or another idea of it", (pattern) => {
    expect(engineOf(pattern)).toBe("re2");
  });

  it.each([
    ["a(?=b)"],
    [".*(?<!x)$"],
    ["a{1001}"],
    ["a{1,600}b{1,600}"],
    ["(?m:a$)b$"],
    ["(?!x)(?:a|bc){15}$"],
    ["(?!x)(?:a*b)*c*$"],
    ["(?a:\\b)\\b"],
    ["^(?=.*a)(?=.*b)(?!.*c).*$"],
  ])("runs %j on the JavaScript engine, since it is proved linear", (pattern) => {
    expect(engineOf(pattern)).toBe("javascript");
  });

  it("matches no text of more than 2,000 characters on the JavaScript engine", () => {
    expect(matches("a+(?!b)", "a".repeat(2_000))).toBe(true);
    expect(matches("a+(?!b)", "a".repeat(2_001))).toBe(false);
    expect(matches("a+", "a".repeat(2_001))).toBe(true);
    expect(matches("(?!b).", "😀".repeat(2_000))).toBe(true);
    expect(matches("(?!b).", "😀".repeat(2_001))).toBe(false);
  });

  it("keeps counts above what RE2 takes", () => {
    expect(matches("a{1500}$", "a".repeat(1_500))).toBe(true);
    expect(matches("a{1500}$", "a".repeat(1_501))).toBe(false);
  });

  it("goes by Unicode word characters even if a pattern leaves no ASCII one to stand for them", () => {
    const letters = Array.from({ length: 60 }, (_, i) => String.fromCharCode(0x4e00 + i)).join("");
    expect(engineOf(`\\b${letters}\\b`)).toBe("re2");
    expect(matches(`\\b${letters}\\b`, letters)).toBe(true);
    expect(matches(`\\b${letters}\\b`, `${letters}a`)).toBe(false);
    const more = Array.from({ length: 90 }, (_, i) => String.fromCharCode(0x4e00 + i)).join("");
    expect(engineOf(`\\b${more}\\b`)).toBe("javascript");
    expect(matches(`\\b${more}\\b`, `${more}!`)).toBe(true);
    expect(matches(`\\b${more}\\b`, `${more}é`)).toBe(false);
  });

  it("refuses nesting of more than 250 levels without overflowing the stack", () => {
    expect(matches(`${"(".repeat(250)}a${")".repeat(250)}`, "a")).toBe(true);
    for (const open of ["(", "(?:", "(?=", "(?<=", "(?i:", "(?>"]) {
      expect(engineOf(`${open.repeat(1_500)}a${")".repeat(1_500)}`.slice(0, 5_000))).toBe("unsupported");
    }
    expect(engineOf(`()${"(?(1)".repeat(900)}`)).toBe("unsupported");
  });

  it("takes patterns of 5,000 characters and refuses longer ones", () => {
    expect(matches("a".repeat(5_000), "a".repeat(5_000))).toBe(true);
    expect(engineOf("a".repeat(5_001))).toBe("unsupported");
    expect(matches("😀".repeat(5_000), "😀".repeat(5_000))).toBe(true);
    expect(engineOf("[".repeat(5_000))).toBe("invalid");
    expect(matches("|".repeat(5_000), "")).toBe(true);
    expect(engineOf("(?i)[^\\wé-\u{1ffff}]".repeat(300))).toBe("invalid");
    expect(
      engineOf(Array.from({ length: 300 }, (_, i) => `[^\\w${String.fromCharCode(0x2100 + i)}]`).join("")),
    ).toBe("unsupported");
  });

  it("never throws, whatever the pattern", () => {
    const characters = Array.from("ab\\[](){}^$.*+?|<>=!:-,01#PNuxdwbBAZi é😀\n\ud800");
    let state = 12_345;
    for (let round = 0; round < 3_000; round++) {
      let pattern = "";
      for (let i = 0; i < round % 25; i++) {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
        pattern += characters[state % characters.length];
      }
      const compiled = compileRegex(pattern);
      if (compiled.kind === "compiled") {
        compiled.matches("ab1 é\n");
      }
    }
  });
});
