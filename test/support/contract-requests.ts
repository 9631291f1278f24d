/** Asks the application under test without a socket, and reads answers in a form that tests compare. */
import { expect } from "vitest";
import type { createTestApp } from "./test-app.ts";

export type TestApp = Awaited<ReturnType<typeof createTestApp>>["app"];

export interface Question {
  readonly method?: string;
  readonly key?: string | null;
  /** Text, bytes, or something to make JSON of. */
  readonly body?: string | Uint8Array<ArrayBuffer> | object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
}

/** The keys of `environmentA`. */
const clientKey = "clientA";
export const serverKey = "ser.A";

/** Sends one request; with a body it is a POST. The key is `clientA` unless told, and left out where null. */
export async function ask(app: TestApp, path: string, question: Question = {}): Promise<Answer> {
  const { body, key = clientKey } = question;
  const method = question.method ?? (body === undefined ? "GET" : "POST");
  const headers = new Headers(question.headers);
  if (key !== null) headers.set("X-Environment-Key", key);
  const isRaw = body === undefined || typeof body === "string" || body instanceof Uint8Array;
  const sent = isRaw ? body : JSON.stringify(body);
  const request = new Request(`http://proxy.test${path}`, {
    method,
    headers,
    ...(sent === undefined ? {} : { body: sent }),
  });
  const response = await app.request(request);
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, bytes, text: bytes.toString("utf8") };
}

/** The answer's JSON, after a look at its status and type. */
export function jsonOf(answer: Answer, status = 200): unknown {
  expect({ status: answer.status, body: answer.status === status ? "" : answer.text }).toEqual({
    status,
    body: "",
  });
  expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
  return JSON.parse(answer.text);
}

interface FlagOfAnswer {
  readonly feature: { readonly name: string };
  readonly enabled: boolean;
  readonly feature_state_value: unknown;
  readonly variant?: string | null;
}

/** The flags of a list or of an identity response, in their order. */
export function flagsOf(answer: Answer): readonly FlagOfAnswer[] {
  const json = jsonOf(answer);
  return (Array.isArray(json) ? json : (json as { flags: FlagOfAnswer[] }).flags) as FlagOfAnswer[];
}

/** The names of the answer's flags, in their order. */
export function namesOf(answer: Answer): string[] {
  return flagsOf(answer).map((flag) => flag.feature.name);
}

/** The value of the flag of this name; undefined where the answer has no such flag. */
export function flagValue(answer: Answer, name: string): unknown {
  return flagsOf(answer).find((flag) => flag.feature.name === name)?.feature_state_value;
}

/** Looks at an error: its code, its slug, its exact members, and that it is JSON. */
export function expectError(answer: Answer, status: number, slug: string, message?: string): void {
  const json = jsonOf(answer, status) as Record<string, unknown>;
  const members = status === 422 ? ["status", "message", "detail"] : ["status", "message"];
  expect(Object.keys(json)).toEqual(members);
  expect(json["status"]).toBe(slug);
  expect(json["message"]).toBeTypeOf("string");
  expect(json["message"]).not.toBe("");
  if (message !== undefined) expect(json["message"]).toBe(message);
}

/** Looks at a 422: where its first fault is, and of which type. */
export function expectFault(answer: Answer, loc: readonly (string | number)[], type?: string): void {
  expectError(answer, 422, "unprocessable_entity");
  const { detail } = JSON.parse(answer.text) as { detail: Record<string, unknown>[] };
  for (const each of detail) expect(Object.keys(each).toSorted()).toEqual(["loc", "msg", "type"]);
  expect(detail[0]?.["loc"]).toEqual(loc);
  if (type !== undefined) expect(detail[0]?.["type"]).toBe(type);
}
