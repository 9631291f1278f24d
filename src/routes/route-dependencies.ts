/** What the routes are given by `createApp`: narrow, and without I/O of their own. */
import type { CorsHeaders } from "../cache/cors-headers.ts";
import type { RequestLimits } from "../models/settings.ts";
import type { KeyResolver } from "../services/environments/key-directory.ts";
import type { HealthReport } from "../services/health/health-report.ts";
import type { ErrorResponder } from "./error-responses.ts";

export interface RouteDependencies {
  readonly resolveKey: KeyResolver;
  readonly cors: CorsHeaders;
  readonly limits: RequestLimits;
  readonly reportHealth: () => HealthReport;
  /** Whether the process that serves flags lives. */
  readonly isAlive: () => boolean;
  /** 32 random hexadecimal digits, for identities that have neither an identifier nor a trait. */
  readonly randomIdentifier: () => string;
  /** Whether this turn of the event loop has time to evaluate yet another identity. */
  readonly hasTime: () => boolean;
  readonly respondError: ErrorResponder;
}
