/** The lines of the log, as people and collectors read them. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { expect, test } from "vitest";
import { createLogger } from "../../src/config/logger.ts";
import type { LoggingSettings, LogLevel } from "../../src/models/settings.ts";
import type { Logger } from "../../src/services/service-logger.ts";

const byDefault: LoggingSettings = {
  accessLog: false,
  format: "json",
  level: "INFO",
  messageField: "message",
  colours: false,
};

function capture(changes: Partial<LoggingSettings> = {}): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const { logger } = createLogger(
    { ...byDefault, ...changes },
    { write: (line: string) => lines.push(line) },
  );
  return { logger, lines };
}

test("json lines hold the level as a word, an ISO timestamp and the message under its field", () => {
  const { logger, lines } = capture({ messageField: "event" });
  logger.warn({ environment: 7 }, "stale");
  const line: unknown = JSON.parse(lines.join(""));
  expect(line).toEqual({
    level: "warn",
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    environment: 7,
    event: "stale",
  });
  expect(lines.join("")).toMatch(/^[^\n]+\n$/);
});

test("generic lines are readable, and a message stays on one line without escape sequences", () => {
  const { logger, lines } = capture({ format: "generic" });
  logger.info({ path: "/a\u001b[31m\nb" }, "asked\nfor \u001b[31mit");
  expect(lines.join("")).toMatch(
    /^\[\d{4}-.*Z\] INFO: asked\\nfor \\u001b\[31mit \{"path":"\/a\\u001b\[31m\\nb"\}\n$/,
  );
});

test.each([
  [false, false],
  [true, true],
])("with colours %s, generic lines have colours: %s", (colours, expected) => {
  const { logger, lines } = capture({ format: "generic", colours });
  logger.error({}, "x");
  expect(lines.join("").includes("\u001b[")).toBe(expected);
});

test.each<[LogLevel, string[]]>([
  ["CRITICAL", []],
  ["ERROR", ["error"]],
  ["WARNING", ["error", "warn"]],
  ["INFO", ["error", "warn", "info"]],
  ["DEBUG", ["error", "warn", "info", "debug"]],
  ["NOTSET", ["error", "warn", "info", "debug"]],
])("at level %s the lines written are %j", (level, expected) => {
  const { logger, lines } = capture({ level });
  for (const each of ["error", "warn", "info", "debug"] as const) logger[each]({}, "x");
  expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(expected);
});

test.each(["json", "generic"] as const)(
  "an error shows its causes, but no header and no option (%s)",
  (format) => {
    const { logger, lines } = capture({ format });
    const inner = Object.assign(new Error("refused"), { code: "ECONNREFUSED", headers: ["ser.secret"] });
    const middle = new AggregateError([inner], "all failed");
    const outer = Object.assign(new Error("fetch failed", { cause: middle }), {
      options: { key: "ser.secret" },
    });
    logger.error({ err: outer, error: outer, cause: { key: "ser.secret" } }, "no document");
    const text = lines.join("");
    for (const part of ["fetch failed", "all failed", "refused", "ECONNREFUSED", "logger.test.ts"]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain("ser.secret");
  },
);

const script = (accessLog: boolean, format: string, count: number) => `
  import { createLogger } from ${JSON.stringify(new URL("../../src/config/logger.ts", import.meta.url).href)};
  const { logger, flush } = createLogger(${JSON.stringify({ ...byDefault, accessLog, format })});
  for (let each = 0; each < ${count}; each += 1) logger.info({ each }, "line");
  logger.fatal("last");
  await flush();
  process.exit(0);`;

const node = (code: string) => ["--input-type=module-typescript", "--eval", code];

test.each([
  [false, "json"],
  [true, "json"],
  [true, "generic"],
])("no line is lost at an exit (access log %s, %s)", (accessLog, format) => {
  const text = execFileSync(process.execPath, node(script(accessLog, format, 3000)), { encoding: "utf8" });
  const numbers = [...text.matchAll(/"each":(\d+)/g)].map((match) => Number(match[1]));
  numbers.sort((left, right) => left - right);
  expect(numbers).toEqual(Array.from({ length: 3000 }, (_, index) => index));
  expect(text).toContain("last");
});

test.each([false, true])(
  "a full disk behind standard output does not stop the process (access log %s)",
  (accessLog) => {
    const ended = spawnSync(process.execPath, node(script(accessLog, "json", 100)), {
      stdio: ["ignore", openSync("/dev/full", "w"), "pipe"],
      timeout: 10_000,
      encoding: "utf8",
    });
    expect(ended).toMatchObject({ status: 0, signal: null, stderr: "" });
  },
);

test("a reader that goes away does not stop the process", () => {
  const quoted = script(true, "json", 50_000).replaceAll("'", "'\\''");
  const program = `"${process.execPath}" --input-type=module-typescript --eval '${quoted}'`;
  const command = `${program} | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const text = execFileSync("bash", ["-c", command], { timeout: 10_000, encoding: "utf8" });
  expect(text.trimEnd().split("\n").at(-1)).toBe("0");
});

test("a reader that was too slow is told how many lines it misses", async () => {
  const count = 40_000;
  const code = `${script(false, "json", count).split("logger.fatal")[0]}
    process.stderr.write("logged");
    process.stdin.resume();`;
  const child = spawn(process.execPath, node(code), { stdio: "pipe" });
  const exit = once(child, "exit");
  await once(child.stderr, "data");
  let text = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    text += chunk;
    if (text.includes("are missing") && text.endsWith("\n")) break;
  }
  child.kill();
  await exit;
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const [told, ...others] = lines.filter(({ level }) => level === "warn");
  expect(others).toEqual([]);
  expect(told.lines).toBeGreaterThan(1000);
  expect(lines.filter(({ each }) => each !== undefined).length + told.lines).toBe(count);
});
