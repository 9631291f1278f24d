/** Who may run beside whom: many at once, or one alone. It does not know what they do. */

/** Who is to be alone goes before those that come later. */
export class TrialTurns {
  readonly #running = new Set<Promise<unknown>>();
  /** Resolves when nobody is alone, and nobody waits to be. */
  #alone: Promise<unknown> = Promise.resolve();

  /** Runs beside others like it, once nobody is alone. @throws what it throws */
  async beside<Result>(run: () => Promise<Result>): Promise<Result> {
    // Another may have come to be alone while this one waited.
    for (let alone: Promise<unknown> | null = null; alone !== this.#alone; ) {
      alone = this.#alone;
      await alone;
    }
    const running = run();
    const settled = running.catch(() => undefined);
    this.#running.add(settled);
    return await running.finally(() => this.#running.delete(settled));
  }

  /** Runs once all have ended that run now; those that come later wait. @throws what it throws */
  async alone<Result>(run: () => Promise<Result>): Promise<Result> {
    const running = this.#alone.then(() => Promise.all(this.#running)).then(run);
    this.#alone = running.catch(() => undefined);
    return await running;
  }
}
