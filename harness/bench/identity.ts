/** Who the consumer is to the provider, where the relay says so. */
export const IDENTITY = { client: "bench-client", role: "bench-role" } as const;
