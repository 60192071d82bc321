import * as z from "zod";
import { firstProblem } from "../../../shared/formats/first-problem.ts";
import { isOfHostedBus } from "../../../shared/formats/hosted-bus.ts";
import { isWellKnownName } from "../../../shared/formats/bus-name.ts";
import {
  isInterfaceName,
  isMemberName,
  isObjectPath,
} from "../../../shared/protocols/dbus/names.ts";
import { oncePerLink } from "../once-per-link.ts";
import { LinkRefused } from "../plugin.ts";
import type { Link } from "../plugin.ts";

/**
 * One rule of a manifest. An absent field and `*` mean any value. `name.*` means that name and the
 * names below it, also for interfaces; `path/*` means that path and the paths below it.
 */
export interface DbusRule {
  readonly access: "see" | "talk" | "own" | "call" | "broadcast";
  readonly name?: string | undefined;
  readonly interface?: string | undefined;
  readonly member?: string | undefined;
  readonly path?: string | undefined;
}

/** Rules of one manifest: a message needs one rule of the list that allows it. */
export type DbusRuleList = readonly DbusRule[];

/** Most rules of a list, since each costs questions to the provider's bus at each connection. */
const MAX_RULES = 256;

function pattern(isOne: (text: string) => boolean, below: string): z.ZodOptional<z.ZodString> {
  const isPattern = (text: string) =>
    text === "*" || isOne(text.endsWith(below) ? text.slice(0, -below.length) || "/" : text);
  return z.string().refine(isPattern, "is no pattern").optional();
}

// Unknown keys are refused: a misspelt key would make the rule allow more.
const rule = z.strictObject({
  access: z.enum(["see", "talk", "own", "call", "broadcast"]),
  // `com.*` is a valid pattern, though the one element `com` is no valid name.
  name: pattern((text) => isWellKnownName(text) || isElement(text), ".*"),
  interface: pattern((text) => isInterfaceName(text) || isElement(text), ".*"),
  member: pattern(isMemberName, "\0"),
  path: pattern(isObjectPath, "/*"),
  role: z.string().optional(),
});

/** The key `rules` of one manifest. */
export const dbusRules = z.array(rule).max(MAX_RULES);

const ruleLists = z.array(dbusRules).optional();

/**
 * The lists that each message of this link must pass.
 *
 * A bus name as `interface` counts as a list with one rule, talk to that name. It is added when
 * there is no list or one list (which may be the provider's), but not when both manifests have
 * rules. Without rules and bus name there is one empty list: only the bus itself can be reached. A
 * Pantavisor whose graph has no rules for the bus that it hosts leaves the judgement to that bus.
 *
 * @throws LinkRefused naming the key that is wrong
 */
export const rulesOf = oncePerLink((link): readonly DbusRuleList[] => {
  const parsed = ruleLists.safeParse(link.entry.rules);
  if (!parsed.success) throw new LinkRefused(firstProblem(parsed.error, "rules"));
  const lists = (parsed.data ?? []).map((list) =>
    list.filter(({ role }) => role === undefined || role === link.role),
  );
  const name = requiredName(link);
  if (name !== undefined && lists.length < 2) lists.push([{ access: "talk", name }]);
  if (lists.length > 0) return lists;
  return isOfHostedBus(link.entry) ? [[{ access: "own" }]] : [[]];
});

/**
 * The bus name in `interface`, which may also hold a path or, from 029-32, the link's type
 * (docs/pantavisor.md §6.1).
 */
function requiredName({ entry }: Link): string | undefined {
  const name = entry.interface;
  return name !== null && isWellKnownName(name) ? name : undefined;
}

function isElement(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(text);
}
