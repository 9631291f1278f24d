/** Puts values in the place of `{name}` in commands and requests. It knows no names by itself. */

/**
 * Replaces `{name}` by the value of that name. Other braces stay, and so does `${name}`, which is the
 * shell's.
 */
export function fillPlaceholders(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/(?<!\$)\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? (values[name] as string) : whole,
  );
}
