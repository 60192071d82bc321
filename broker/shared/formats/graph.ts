import * as z from "zod";
import { firstProblem } from "./first-problem.ts";
import { linkExtensions } from "./extensions.ts";
import type { LinkExtensions } from "./extensions.ts";

/**
 * One entry of GET /xconnect-graph (docs/pantavisor.md §6.1). Written by the reference as below;
 * readers also accept its older shape: the injection path is `target`, else an `interface` that is
 * an absolute path. A pid of 0 or less, or none, means "not running".
 */
export interface GraphEntry extends LinkExtensions {
  readonly consumer: string;
  readonly consumer_pid: number;
  /** Start time of the consumer's init in clock ticks, field 22 of /proc/PID/stat. */
  readonly consumer_start?: number | undefined;
  readonly provider: string;
  readonly provider_pid: number;
  readonly provider_start?: number | undefined;
  readonly name: string;
  readonly type: string;
  readonly role: string;
  readonly interface: string | null;
  readonly target: string | null;
  /** Path of the socket or node inside the provider. */
  readonly socket: string;
  /** Uid for dbus where pantavisor maps roles itself (hosted bus). */
  readonly uid?: number | undefined;
}

/** Largest uid: setresuid(2) takes (uid_t)-1 as "unchanged" and cuts larger numbers to 32 bits. */
const MAX_UID = 0xffff_fffe;

const pid = z
  .unknown()
  .transform((value) =>
    typeof value === "number" && Number.isInteger(value) && value > 0 ? value : 0,
  );

const graphEntry = z
  .object({
    consumer: z.string(),
    consumer_pid: pid.optional().default(0),
    consumer_start: z.number().optional(),
    provider: z.string().optional().default(""),
    provider_pid: pid.optional().default(0),
    provider_start: z.number().optional(),
    name: z.string(),
    type: z.string(),
    role: z.string().optional().default("any"),
    interface: z.string().nullable().optional().default(null),
    target: z.string().nullable().optional().default(null),
    socket: z.string(),
    uid: z.number().int().min(0).max(MAX_UID).optional(),
    ...linkExtensions.shape,
  })
  .transform((entry): GraphEntry => ({ ...entry, target: injectionPath(entry) }));

/** @throws z.ZodError when the document is not an array of entries */
export function parseGraph(value: unknown): GraphEntry[] {
  return z.array(graphEntry).parse(value);
}

/** An entry that cannot be read. */
export interface UnreadableEntry {
  /** Name of the link: `consumer/name` where the entry has both, else its place in the graph. */
  readonly link: string;
  readonly name: string;
  readonly problem: string;
}

export interface ReadGraph {
  readonly entries: readonly GraphEntry[];
  readonly unreadable: readonly UnreadableEntry[];
}

/**
 * As `parseGraph`, with the unreadable entries apart: one wrong entry must not keep the other links
 * from being served.
 * @throws z.ZodError when the document is not an array
 */
export function readGraph(value: unknown): ReadGraph {
  const entries: GraphEntry[] = [];
  const unreadable: UnreadableEntry[] = [];
  for (const [place, item] of z.array(z.unknown()).parse(value).entries()) {
    const parsed = graphEntry.safeParse(item);
    if (parsed.success) entries.push(parsed.data);
    else unreadable.push({ ...namesOf(item, place), problem: firstProblem(parsed.error) });
  }
  return { entries, unreadable };
}

const named = z.object({ consumer: z.string(), name: z.string() });

function namesOf(item: unknown, place: number): { link: string; name: string } {
  const { success, data } = named.safeParse(item);
  if (success) return { link: `${data.consumer}/${data.name}`, name: data.name };
  const name = `entry ${place} of the graph`;
  return { link: name, name };
}

function injectionPath(entry: { target: string | null; interface: string | null }): string | null {
  if (entry.target !== null && entry.target !== "") return entry.target;
  return entry.interface?.startsWith("/") === true ? entry.interface : null;
}
