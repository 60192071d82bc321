import * as z from "zod";
import { checkDocumentSize } from "./document-size.ts";
import { safeName } from "./names.ts";

/** bsp/drivers.json (docs/pantavisor.md §1.6): the kernel modules behind each driver alias. */
export const DRIVERS_SPEC = "driver-aliases@1";

/**
 * Modules by alias; a module is a name, perhaps with options. Only the section `all` counts: the
 * others are for boards, and an appengine is not a board.
 */
export type DriverAliases = ReadonlyMap<string, readonly string[]>;

const aliases = z.object({
  "#spec": z.literal(DRIVERS_SPEC),
  all: z.record(safeName, z.array(z.string().regex(/^[A-Za-z0-9_-]/, "must begin with a module"))),
});

/** @throws z.ZodError naming the key that is wrong, or DocumentTooLarge */
export function parseDriverAliases(value: unknown): DriverAliases {
  checkDocumentSize(value);
  return new Map(Object.entries(aliases.parse(value).all));
}

/**
 * The driver aliases that a container names, by how much it needs them (docs/pantavisor.md §1.3).
 */
const list = z.array(safeName).default([]);
export const driverNeeds = z
  .object({ required: list, optional: list, manual: list })
  .default({ required: [], optional: [], manual: [] });
export type DriverNeeds = z.infer<typeof driverNeeds>;
