// Compiles each pattern once for all who hold it: the environments of a project have its segments in common,
// and so have two versions of a document. It must not keep what nobody holds.

import { type CompiledRegex, compileRegex } from "./compile-regex.ts";

const held = new Map<string, WeakRef<CompiledRegex>>();
const releases = new FinalizationRegistry<string>((pattern) => {
  // Another one may have been compiled since.
  if (held.get(pattern)?.deref() === undefined) held.delete(pattern);
});

/**
 * As `compileRegex`, but the same object for the same pattern, as long as anybody holds it: one was measured
 * to take 17 KiB.
 */
export function sharedRegex(pattern: string): CompiledRegex {
  const known = held.get(pattern)?.deref();
  if (known !== undefined) return known;
  const compiled = compileRegex(pattern);
  held.set(pattern, new WeakRef(compiled));
  releases.register(compiled, pattern);
  return compiled;
}
