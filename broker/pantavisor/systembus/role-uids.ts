import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import * as z from "zod";
import { firstTwice, safeName } from "../../shared/formats/names.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { writeDurably } from "../storage/durable-file.ts";

const FIRST_UID = 90_000;
const LAST_UID = 0x7fff_ffff;
/** Uid of a consumer without a role. */
const NOBODY = 65_534;

// By its entries, since zod drops the key __proto__, which is a role like any other.
const storedRoles = z
  .array(z.tuple([safeName, z.number().int().min(FIRST_UID).max(LAST_UID)]))
  .refine(
    (all) => firstTwice(all.map(([, uid]) => String(uid))) === undefined,
    "a uid comes twice",
  );

/**
 * Uids of the roles on the hosted bus, kept in storage: a role has one uid over boots and revisions,
 * also while no revision uses it.
 */
export class RoleUids {
  readonly #file: string;
  #uids: Map<string, number>;

  /** @param warn called with one line when the file is there and cannot be used */
  constructor(file: string, quirks: Quirks, warn: (line: string) => void) {
    this.#file = file;
    this.#uids = new Map();
    if (quirks.has("role-uids-anew")) return;
    try {
      this.#uids = readUids(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      warn(`${file} is not usable, roles get new uids: ${(error as Error).message}`);
    }
  }

  /** @param role absent for a consumer without one */
  of(role: string | undefined): number {
    return (role === undefined ? undefined : this.#uids.get(role)) ?? NOBODY;
  }

  /**
   * Give uids to the roles that have none.
   * @throws when they cannot be written; they hold until the next boot then
   */
  assign(roles: Iterable<string>): void {
    const before = this.#uids.size;
    let next = FIRST_UID;
    for (const uid of this.#uids.values()) next = Math.max(next, uid + 1);
    for (const role of roles) if (!this.#uids.has(role)) this.#uids.set(role, next++);
    if (this.#uids.size === before) return;
    mkdirSync(dirname(this.#file), { recursive: true });
    writeDurably(this.#file, JSON.stringify(Object.fromEntries(this.#uids)));
  }
}

function readUids(file: string): Map<string, number> {
  const document: unknown = JSON.parse(readFileSync(file, "utf8"));
  z.record(z.string(), z.unknown()).parse(document);
  return new Map(storedRoles.parse(Object.entries(document as object)));
}
