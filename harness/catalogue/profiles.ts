import { COMPAT } from "../../broker/shared/quirks/compat.ts";

/**
 * What the reference is told to be, as quirks: what the documents promise, or the real 029-32
 * as far as it was recorded.
 */
export const PROFILES = { strict: [], compat: COMPAT } as const;

export type Profile = keyof typeof PROFILES;
