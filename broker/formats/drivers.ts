import * as z from "zod";
import { checkDocumentSize } from "./document-size.ts";
import { safeName } from "./names.ts";

/** bsp/drivers.json (facts §1.6): the kernel modules behind each driver alias. */
export const DRIVERS_SPEC = "driver-aliases@1";

/**
 * Modules by alias, each a module's name, perhaps with options. Of the sections only `all`
 * counts: the others are for boards, and an appengine is none.
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

/** What a container asks of drivers: aliases by how much it needs them (facts §1.3). */
const list = z.array(safeName).default([]);
export const driverNeeds = z
  .object({ required: list, optional: list, manual: list })
  .default({ required: [], optional: [], manual: [] });
export type DriverNeeds = z.infer<typeof driverNeeds>;
