import * as z from "zod";
import { firstProblem } from "../formats/first-problem.ts";
import {
  isInterfaceName,
  isMemberName,
  isObjectPath,
  isWellKnownName,
} from "../protocols/dbus/names.ts";
import { oncePerLink } from "./once-per-link.ts";
import { LinkRefused } from "./plugin.ts";
import type { Link } from "./plugin.ts";

/**
 * One rule of a manifest. An absent field means any; so does `*`. `name.*` is that name and
 * the names below it, and so for interfaces; `path/*` is that path and those below it.
 */
export interface DbusRule {
  readonly access: "see" | "talk" | "own" | "call" | "broadcast";
  readonly name?: string | undefined;
  readonly interface?: string | undefined;
  readonly member?: string | undefined;
  readonly path?: string | undefined;
}

/** What is allowed is allowed by a rule of the list. */
export type DbusRuleList = readonly DbusRule[];

/** Each rule costs questions to the provider's bus at each connection. */
const MAX_RULES = 256;

function pattern(isOne: (text: string) => boolean, below: string): z.ZodOptional<z.ZodString> {
  const isPattern = (text: string) =>
    text === "*" || isOne(text.endsWith(below) ? text.slice(0, -below.length) || "/" : text);
  return z.string().refine(isPattern, "is no pattern").optional();
}

// Strict, since a key that is misspelt would make the rule allow more.
const rule = z.strictObject({
  access: z.enum(["see", "talk", "own", "call", "broadcast"]),
  // Below one element there is no valid name, yet `com.*` is a pattern.
  name: pattern((text) => isWellKnownName(text) || isElement(text), ".*"),
  interface: pattern((text) => isInterfaceName(text) || isElement(text), ".*"),
  member: pattern(isMemberName, "\0"),
  path: pattern(isObjectPath, "/*"),
  role: z.string().optional(),
});

/** The key `rules` of one side. */
export const dbusRules = z.array(rule).max(MAX_RULES);

const ruleLists = z.array(dbusRules).optional();

/**
 * The lists that each message of this link must pass.
 *
 * A bus name as `interface` stands for a list of one rule, talk to that name: alone when there
 * are no rules, and beside the only list there is, since that one may be the provider's. With
 * neither there is an empty list: only the bus itself can be reached.
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
  return lists.length === 0 ? [[]] : lists;
});

/**
 * `interface` may also be a path or, from the real pantavisor, the link's type
 * (docs/pantavisor.md §6.1).
 */
function requiredName({ entry }: Link): string | undefined {
  const name = entry.interface;
  return name !== null && isWellKnownName(name) ? name : undefined;
}

function isElement(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(text);
}
