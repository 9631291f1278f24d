/**
 * The log lines of one environment's event stream: one for each change of state, however often it breaks. It
 * must never log a key, a header or a text of the upstream.
 */
import { UpstreamError, type UpstreamErrorCode } from "../../models/errors.ts";
import type { Clock } from "../clock.ts";
import { FailureSpell } from "../failure-spell.ts";
import type { Logger } from "../service-logger.ts";

/** One end is no news: balancers end long answers, and servers restart. */
const failuresBeforeWarning = 2;

const ofNetwork =
  "Check that this host reaches the host of realtime.url, by the same forward proxies and certificates as " +
  "api_url, and that nothing on the way holds event streams back or ends them; to do without them, set " +
  "realtime.url to off";
const ofAddress =
  "Check realtime.url: the upstream has no event streams at this address, or not for this environment; to " +
  "do without them, set realtime.url to off";

/** What the operator does; `ofNetwork` where a code is missing. Meanwhile the usual polls go on. */
const remedies: Readonly<Partial<Record<UpstreamErrorCode, string>>> = {
  key_rejected: ofAddress,
  unexpected_status: ofAddress,
  redirect_refused:
    "Set realtime.url to the address the upstream redirects to: other origins are not followed",
  bad_encoding: "Look for a gateway that compresses event streams, and exclude them",
  too_large: "Look at what the upstream sends; if it is meant to be so long, raise realtime.event_bytes_max",
};

export class UpstreamEventLog {
  readonly #label: () => string;
  readonly #logger: Logger;
  #wasEstablished = false;
  readonly #spell: FailureSpell;

  /** @param label the environment as logs name it now; holds no whole key */
  constructor(label: () => string, logger: Logger, clock: Pick<Clock, "monotonicMs">) {
    this.#label = label;
    this.#logger = logger;
    this.#spell = new FailureSpell(clock);
  }

  /** A stream has begun. */
  established(): void {
    const isNews = !this.#wasEstablished && !this.#spell.isOn;
    this.#wasEstablished = true;
    this.#logger[isNews ? "info" : "debug"](
      { environment: this.#label() },
      "The upstream tells of changes: its event stream is established",
    );
  }

  /** A stream goes on for so long that the upstream is well again. */
  lasted(): void {
    if (!this.#spell.end()) return;
    this.#logger.info({ environment: this.#label() }, "The upstream's event stream is established again");
  }

  /**
   * A stream could not be opened, or has ended.
   * @param error an `UpstreamError`; anything else is a bug, and its stack is logged
   * @param failures in a row, this one included
   */
  ended(error: unknown, failures: number): void {
    const reason = error instanceof UpstreamError ? error.code : "bug";
    const fields = { environment: this.#label(), failures };
    const isDue = reason === "bug" || failures >= failuresBeforeWarning;
    if (!isDue || !this.#spell.isNews(error)) {
      this.#logger.debug({ ...fields, code: reason }, "The upstream's event stream has ended");
      return;
    }
    if (!(error instanceof UpstreamError)) {
      this.#logger.error({ ...fields, err: error }, "The event stream of the environment failed by a bug");
      return;
    }
    this.#logger.warn(
      { ...fields, code: error.code },
      `The upstream does not tell of changes, and is polled at the usual pace: ${error.message}. ` +
        `${remedies[error.code] ?? ofNetwork}`,
    );
  }
}
