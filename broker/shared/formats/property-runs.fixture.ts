/**
 * Cases of each property of a codec or a state machine. For a longer run:
 * `PVH_PROPERTY_RUNS=1000000 npx vitest run --project unit broker`.
 */
export const PROPERTY_RUNS = Number(process.env["PVH_PROPERTY_RUNS"] ?? 10_000);
