import { COMPAT } from "../../broker/shared/quirks/compat.ts";

/**
 * Quirks of the reference, by profile: `strict` is as the documents promise, `compat` is like the
 * real 029-32 as far as that was recorded, `slow` takes as long as that one. Under `slow` promises
 * of speed fail, and checks that wait for lines or reconciles of the broker (docs/gates.md).
 */
export const PROFILES = {
  strict: [],
  compat: COMPAT,
  slow: ["poll-only", "stop-blocks-ctrl", "xconnect-in-blocks"],
} as const;

export type Profile = keyof typeof PROFILES;
