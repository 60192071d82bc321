import * as z from "zod";
import { checkDocumentSize } from "./document-size.ts";
import { firstTwice, safeName } from "./names.ts";
import { autoRecovery } from "./run-manifest.ts";

/**
 * Groups of containers, in start order (docs/pantavisor.md §1.6): groups.json, or device.json's
 * `groups`.
 */
const group = z.object({
  name: safeName,
  restart_policy: z.enum(["system", "container"]).default("container"),
  status_goal: z.enum(["MOUNTED", "STARTED", "READY"]).default("STARTED"),
  /** Seconds until its goal has timed out. */
  timeout: z.number().int().min(1).optional(),
  auto_recovery: autoRecovery.optional(),
});
export type Group = z.infer<typeof group>;

const groups = z
  .array(group)
  .min(1)
  .superRefine((all, context) => {
    const twice = firstTwice(all.map(({ name }) => name));
    if (twice === undefined) return;
    context.addIssue({ code: "custom", message: `group '${twice}' comes twice` });
  });

/** @throws z.ZodError naming the key that is wrong, or DocumentTooLarge */
export function parseGroups(value: unknown): Group[] {
  checkDocumentSize(value);
  return groups.parse(value);
}

export interface GroupMember {
  readonly name: string;
  readonly group?: string | undefined;
}

/** The group of a container, and a warning about the choice, if any. */
export interface GroupAssignment {
  readonly group: string;
  readonly warning?: string;
}

/**
 * The group of each container, by name (docs/pantavisor.md §1.6). With the default groups an
 * unassigned container goes to `platform`, except that the alphabetically first goes to `root` when
 * no other container is in `root`; with a device's own groups it goes to the last group.
 * @throws Error naming a container whose group does not exist
 */
export function assignGroups(
  members: readonly GroupMember[],
  available: readonly Group[],
  source: "default" | "device",
): Map<string, GroupAssignment> {
  const assigned = new Map<string, GroupAssignment>();
  const unassigned: string[] = [];
  for (const { name, group: wanted } of members) {
    if (wanted === undefined) unassigned.push(name);
    else if (available.some((candidate) => candidate.name === wanted)) {
      assigned.set(name, { group: wanted });
    } else throw new Error(`${name}/run.json: group: unknown group '${wanted}'`);
  }
  unassigned.sort();
  for (const name of unassigned) {
    assigned.set(name, defaultGroup(name, [...assigned.values()], available, source));
  }
  return assigned;
}

function defaultGroup(
  name: string,
  assigned: readonly GroupAssignment[],
  available: readonly Group[],
  source: "default" | "device",
): GroupAssignment {
  const last = available.at(-1)?.name ?? "";
  if (source === "device") {
    return { group: last, warning: `platform '${name}' has no group. It will be set to '${last}'` };
  }
  const rootIsEmpty = !assigned.some(({ group: taken }) => taken === "root");
  const preferred = rootIsEmpty ? "root" : "platform";
  const group = available.some((candidate) => candidate.name === preferred) ? preferred : last;
  return { group };
}
