import { COMPAT } from "../../broker/shared/quirks/compat.ts";

/**
 * Quirks of the reference, by profile: `strict` is as the documents promise, `compat` is like the
 * real 029-32 as far as that was recorded.
 */
export const PROFILES = { strict: [], compat: COMPAT } as const;

export type Profile = keyof typeof PROFILES;
