/** What a data plane tells the control plane by itself: nothing is answered, and nothing waits for it. */
import type { UsageRow } from "../../models/usage.ts";

export type DataPlaneNotice =
  | {
      /** Somebody knows of a change: of the environment with this id, or of any where it is null. */
      readonly kind: "refresh-wanted";
      readonly environmentId: number | null;
    }
  | {
      /** What was answered since the last of these. */
      readonly kind: "usage";
      readonly rows: readonly UsageRow[];
    };

/** Takes a notice at once, and never throws. */
export type NoticeTaker = (notice: DataPlaneNotice) => void;
