// Puts work off to its first use and keeps the result, so that importing a module does none. It must only
// hold what never changes.

/** A function that calls `make` the first time and gives the same result ever after. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
