/** Where documents come from: the upstream, or what stands in its place. It does not say how. */
import type { UpstreamErrorCode } from "../../models/errors.ts";
import type { UpstreamClient } from "./upstream-client.ts";

export interface DocumentSource extends Pick<UpstreamClient, "fetchDocument"> {
  /** What the operator does about its failures, in one sentence, where it is no upstream. */
  readonly nextAction?: (code: UpstreamErrorCode) => string;
}
