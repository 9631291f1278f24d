/**
 * The log lines of usage: one for each change of state, and one for each loss. It must never log a key or a
 * text of the upstream.
 */
import { UpstreamError } from "../../models/errors.ts";
import type { Clock } from "../clock.ts";
import { FailureSpell } from "../failure-spell.ts";
import type { Logger } from "../service-logger.ts";
import { proxyKeyAction } from "../upstream/next-actions.ts";
import { totalsMax } from "./usage-totals.ts";

export class UsageLog {
  readonly #logger: Logger;
  readonly #spell: FailureSpell;

  constructor(logger: Logger, clock: Pick<Clock, "monotonicMs">) {
    this.#logger = logger;
    this.#spell = new FailureSpell(clock);
  }

  /** The last process has left something. */
  restored(answers: number): void {
    this.#logger.info({ answers }, "Usage that the last process could not report is reported now");
  }

  /** The upstream has taken a batch. */
  taken(): void {
    if (this.#spell.end()) this.#logger.info({}, "Usage is being reported again");
  }

  /** The upstream will never take it. */
  refused(status: number, answers: number): void {
    this.#logger.warn(
      { status, answers },
      "The upstream refused a report of usage, and it is dropped. Check proxy_key, and that api_url leads " +
        "to an upstream that takes /proxy/usage/",
    );
  }

  /** A batch was not answered for. @param error an `UpstreamError`; anything else is a bug */
  failed(error: unknown): void {
    if (!this.#spell.isNews(error)) return;
    if (!(error instanceof UpstreamError)) {
      this.#logger.error({ err: error }, "Usage is not reported by a bug; it is tried again");
      return;
    }
    const { code, message } = error;
    this.#logger.warn({ code }, `Usage is not reported, and counted on: ${message}. ${proxyKeyAction(code)}`);
  }

  /** There was no room to count these answers. */
  lost(answers: number): void {
    this.#logger.warn(
      { answers },
      `Usage is lost: ${totalsMax} rows of it wait to be reported, and there is room for no more. Look in ` +
        "this log for why it is not reported",
    );
  }

  /** The process ends, and the upstream has not taken all. */
  left(answers: number, isKept: boolean): void {
    if (isKept) this.#logger.info({ answers }, "Usage that is not reported yet is kept for the next start");
    else
      this.#logger.warn({ answers }, "Usage that is not reported yet is lost: it could not be kept on disk");
  }
}
