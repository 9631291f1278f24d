/**
 * Readers of the settings that k6 hands over in `__ENV`. A wrong one ends the run before any load is made;
 * none is guessed, and none may name the proxy's own settings.
 */

/** The limits of a number. */
export interface NumberLimits {
  readonly min: number;
  readonly max: number;
  readonly whole?: boolean;
}

/** @returns the text of a setting; one that is there but empty counts as set */
export function textSetting(name: string, fallback: string): string {
  return __ENV[name] ?? fallback;
}

/** @throws Error where the setting is no number, or beyond its limits */
export function numberSetting(
  name: string,
  fallback: number,
  { min, max, whole = false }: NumberLimits,
): number {
  const text = textSetting(name, String(fallback));
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  throw new Error(
    `${name}: expected a ${whole ? "whole " : ""}number from ${min} to ${max}, found "${text}"`,
  );
}

/** @returns a share from 0 to 1. @throws Error where the setting is none */
export function shareSetting(name: string, fallback: number): number {
  return numberSetting(name, fallback, { min: 0, max: 1 });
}

const unitSeconds: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };

/**
 * Durations are written as k6 writes them, and read here because phases are computed from them.
 * @param fallback such as `30s`, `10m` or `1h30m`
 * @returns seconds. @throws Error where the setting is no duration
 */
export function secondsSetting(name: string, fallback: string): number {
  const text = textSetting(name, fallback);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const seconds = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitSeconds[unit ?? ""] ?? 0),
    0,
  );
  if (parts.map(([part]) => part).join("") === text && seconds > 0) return seconds;
  throw new Error(`${name}: expected a duration such as 30s, 10m or 1h30m, found "${text}"`);
}
