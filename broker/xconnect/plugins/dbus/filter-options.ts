import type { Quirks } from "../../../shared/quirks/quirks.ts";
import type { DbusPolicy } from "./policy.ts";

/** Options that all sessions of a link share. */
export interface FilterOptions {
  readonly policy: DbusPolicy;
  readonly quirks: Quirks;
  /** Name of the consumer; with `role` it is told to the provider. */
  readonly client: string;
  readonly role: string;
}
