/** The Lua that tells `wrk` what to send, and to print its figures as one line of JSON. It runs nothing. */
import type { ComparedRequest } from "./compared-case.ts";

/** Lets no status below 400 count as a failure: 304 is an answer like others. Latencies are microseconds. */
const doneText = `
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\\n{"requests":%d,"seconds":%.6f,"p50Ms":%.3f,"p99Ms":%.3f,"p999Ms":%.3f,"failures":{' ..
      '"answers with status 400 or above":%d,"failed connects":%d,"failed reads":%d,' ..
      '"failed writes":%d,"requests without answer in time":%d}}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency:percentile(99.9) / 1e3,
    errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
`;

/**
 * @param bodiesFile the bodies, one in each line, where each request has another
 * @param firstNumber the line to begin with, from 0
 */
export function wrkScript(
  { method, path, headers, body }: ComparedRequest,
  bodiesFile: string,
  firstNumber: number,
): string {
  // wrk has a Host of its own, which it finds by this spelling only.
  const names = Object.entries(headers).map(([name, value]) => [name === "host" ? "Host" : name, value]);
  const lines = [
    `wrk.method = ${luaText(method)}`,
    `wrk.path = ${luaText(path)}`,
    ...names.map(([name = "", value = ""]) => `wrk.headers[${luaText(name)}] = ${luaText(value)}`),
  ];
  if (body === null) lines.push(distinctText(bodiesFile, firstNumber));
  else if (body !== "") lines.push(`wrk.body = ${luaText(body)}`);
  return `${lines.join("\n")}\n${doneText}`;
}

/** Without a function `request`, wrk makes the request's text once. */
function distinctText(bodiesFile: string, firstNumber: number): string {
  return `
local bodies = {}
function init(args)
  for line in io.lines(${luaText(bodiesFile)}) do bodies[#bodies + 1] = line end
end
local number = ${firstNumber}
function request()
  local body = bodies[number % #bodies + 1]
  number = number + 1
  return wrk.format(nil, nil, nil, body)
end`;
}

/** Any bytes as a literal of Lua, which has other escapes than JSON. */
function luaText(text: string): string {
  const bytes = [...Buffer.from(text)].map((byte) => {
    const character = String.fromCharCode(byte);
    return /[\w :/?&=.,;*+-]/.test(character) ? character : `\\${String(byte).padStart(3, "0")}`;
  });
  return `"${bytes.join("")}"`;
}
