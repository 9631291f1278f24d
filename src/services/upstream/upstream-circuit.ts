/**
 * The circuit of one upstream: lets requests through, refuses them while the upstream is down, and probes
 * it. It must not know what a request is.
 */
import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
} from "cockatiel";
import { UpstreamError } from "../../models/errors.ts";
import type { Clock } from "../clock.ts";
import { isUpstreamWide } from "./upstream-failures.ts";

/** What came of a request that was let through; failures of one environment alone are no failures here. */
type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/** One for each upstream origin; all environments share it. */
export class UpstreamCircuit {
  readonly #breaker: CircuitBreakerPolicy;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #probeIntervalMs: number;
  #probeFromMs = Number.NEGATIVE_INFINITY;

  /**
   * @param settings so many failures in a row open the circuit; one probe in so many milliseconds while it is
   *   open
   */
  constructor(
    settings: { readonly breakerFailuresMax: number; readonly breakerProbeIntervalMs: number },
    clock: Pick<Clock, "monotonicMs">,
  ) {
    this.#clock = clock;
    this.#probeIntervalMs = settings.breakerProbeIntervalMs;
    this.#breaker = circuitBreaker(handleWhen(isUpstreamWide), {
      breaker: new ConsecutiveBreaker(settings.breakerFailuresMax),
      // cockatiel measures this wait on the wall clock, and a step back would hold the circuit open for as
      // long: the wait is measured here, on the monotonic clock, and cockatiel is told never to wait.
      halfOpenAfter: Number.NEGATIVE_INFINITY,
    });
    this.#breaker.onBreak(() => {
      this.#probeFromMs = this.#clock.monotonicMs() + this.#probeIntervalMs;
    });
  }

  /**
   * @param send the request
   * @param signal the caller's: a request it ended says nothing of the upstream
   * @throws UpstreamError `circuit_open` without sending, its `retryAfterMs` the time to the next chance;
   *   otherwise what `send` throws
   */
  async run<T>(send: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.#refuseWhileOpen();
    const outcome = await this.#breaker.execute(() => this.#settle(send, signal));
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  #refuseWhileOpen(): void {
    const nowMs = this.#clock.monotonicMs();
    const { state } = this.#breaker;
    if (state === CircuitState.Closed) return;
    // cockatiel would let others wait for the probe: they would hold places of the refresh limiter for
    // nothing.
    if (state === CircuitState.HalfOpen) throw refusal("The upstream is being probed", this.#probeIntervalMs);
    const waitMs = this.#probeFromMs - nowMs;
    if (waitMs > 0) throw refusal("The upstream keeps failing", waitMs);
  }

  /**
   * cockatiel neither counts what it does not handle nor forgives for it: an answer, even a bad one,
   * forgives.
   */
  async #settle<T>(send: () => Promise<T>, signal: AbortSignal | undefined): Promise<Outcome<T>> {
    try {
      return { value: await send() };
    } catch (error) {
      if (signal?.aborted === true) throw this.#endedProbe(error);
      if (!isUpstreamWide(error)) return { error };
      throw error;
    }
  }

  /** A probe that its caller ended has found out nothing; uncounted, it would close the circuit. */
  #endedProbe(error: unknown): unknown {
    if (this.#breaker.state !== CircuitState.HalfOpen) return error;
    return new UpstreamError("unreachable", "The probe of the upstream was ended", { cause: error });
  }
}

function refusal(sentence: string, retryAfterMs: number): UpstreamError {
  return new UpstreamError("circuit_open", `${sentence}: no request was sent`, { retryAfterMs });
}
