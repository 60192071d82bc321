import { QUIRKS } from "../../broker/shared/quirks/names.ts";
import { parseLimits } from "../appengine/limits.ts";
import { PvhError } from "../errors.ts";
import { didYouMean } from "../near-names.ts";
import type { Args } from "./command.ts";

/** @throws PvhError PVH_USAGE unless the option is a whole number from `least` to `most` */
export function wholeNumber(
  args: Args,
  name: string,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  const to = most === Number.MAX_SAFE_INTEGER ? "" : ` to ${most}`;
  throw new PvhError(
    "PVH_USAGE",
    `--${kebab(name)} ${text}: must be a whole number from ${least}${to}`,
  );
}

/** @throws PvhError PVH_USAGE unless the option is a number above zero, and `most` at most */
export function positiveNumber(
  args: Args,
  name: string,
  most = Number.MAX_VALUE,
): number | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value <= most) return value;
  const upTo = most === Number.MAX_VALUE ? "" : `, ${most} at most`;
  throw new PvhError("PVH_USAGE", `--${kebab(name)} ${text}: must be a number above 0${upTo}`);
}

/** Timers hold 24 days (Node's TIMEOUT_MAX) and end at once beyond; deadlines are minutes. */
export function timeoutScale(args: Args): number {
  return positiveNumber(args, "timeoutScale", 1_000) ?? 1;
}

/**
 * Quirks of `--quirk a,b:unix`.
 * @throws PvhError PVH_USAGE for a quirk that the reference does not have
 */
export function quirkList(args: Args): string[] {
  const quirks = args.list("quirk").flatMap((text) => text.split(",").map((one) => one.trim()));
  for (const quirk of quirks) {
    const name = quirk.split(":", 1)[0] ?? "";
    if (Object.hasOwn(QUIRKS, name)) continue;
    throw new PvhError("PVH_USAGE", `'${name}' is not a quirk of the reference appengine`, {
      hint: didYouMean(name, Object.keys(QUIRKS)) ?? "pvh quirks lists them",
    });
  }
  return quirks;
}

/**
 * Put the limits of `--limit` over those of PVH_LIMITS, from where every worker takes them.
 * @returns what the command line asks for
 * @throws PvhError PVH_USAGE
 */
export function setLimits(args: Args): string {
  const given = args.list("limit").join(",");
  const from = process.env["PVH_LIMITS"] ?? "";
  parseLimits(from, "PVH_LIMITS");
  parseLimits(given, "--limit");
  if (given !== "") process.env["PVH_LIMITS"] = `${from},${given}`;
  return given;
}

/** @throws PvhError PVH_USAGE unless the value is one of the choices */
export function oneOf<T extends string>(
  args: Args,
  name: string,
  choices: readonly T[],
): T | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  const found = choices.find((choice) => choice === text);
  if (found !== undefined) return found;
  throw new PvhError(
    "PVH_USAGE",
    `--${kebab(name)} ${text}: must be one of ${choices.join(", ")}`,
    {
      ...hintOf(text, choices),
    },
  );
}

function hintOf(text: string, choices: readonly string[]): { hint?: string } {
  const hint = didYouMean(text, choices);
  return hint === undefined ? {} : { hint };
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
