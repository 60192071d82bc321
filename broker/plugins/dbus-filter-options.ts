import type { Quirks } from "../quirks/quirks.ts";
import type { DbusPolicy } from "./dbus-policy.ts";

/** What a link's sessions have in common. */
export interface FilterOptions {
  readonly policy: DbusPolicy;
  readonly quirks: Quirks;
  /** The consumer's name and role, for the provider. */
  readonly client: string;
  readonly role: string;
}
