/** Identity of the consumer that a mediating relay tells the provider. */
export const IDENTITY = { client: "bench-client", role: "bench-role" } as const;
