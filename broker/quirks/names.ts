/**
 * Named deviations from the promise. Each is made at exactly one place in the broker, and is
 * the proof that the checks which name it in the catalogue can fail. `pvh mutants` runs them.
 *
 * Only quirks that exist in the code are listed; the catalogue names the rest.
 */
export const QUIRKS = {} as const satisfies Record<string, string>;

export type QuirkName = keyof typeof QUIRKS;
