/** What the process's exit codes mean, after sysexits.h. The README lists them. */
export const exitCodes = {
  ok: 0,
  /**
   * Something failed that is not the operator's doing: a bug, an unhealthy proxy, an upstream that does not
   * answer, or sends no document of the environment.
   */
  failure: 1,
  /** The command line or the configuration is wrong (contract A12). */
  faultyConfiguration: 64,
  /** The address cannot be listened on. */
  cannotListen: 69,
} as const;
