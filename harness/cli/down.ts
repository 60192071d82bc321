import { findHeld } from "../appengine/held.ts";
import { findEngine } from "../engine/find-engine.ts";
import type { Engine } from "../engine/engine.ts";
import { removeLeftovers } from "../engine/leftovers.ts";
import { describeLeft, reap } from "../engine/reaper.ts";
import type { Reaped } from "../engine/reaper.ts";
import { PvhError } from "../errors.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import type { Call } from "./command.ts";
import { livingUsers, userOf } from "./living-users.ts";
import type { Output } from "./output.ts";

/**
 * `pvh down`: remove a held appengine and its volumes; with `--all` every one, and all that killed
 * runs left, whoever made them; with `--force` also what a living pvh works with. Exit 3 when
 * something is left.
 */
export async function downCommand(call: Call): Promise<ExitCode> {
  const { args, out, signal } = call;
  const wanted = args.word(0);
  if (args.flag("all") && wanted !== undefined) {
    throw new PvhError("PVH_USAGE", "give a held appengine or --all, not both", {
      hint: "pvh down --help",
    });
  }
  const engine = await findEngine({ signal });
  if (args.flag("all")) return downAll(engine, call);
  await removeLeftovers(engine, { signal, progress: (line) => out.say(line) });
  const { name } = await findHeld(engine, wanted);
  const user = (await livingUsers(engine)).find((one) => one.name === name);
  if (user !== undefined && !args.flag("force")) {
    throw new PvhError("PVH_USAGE", `${name} is in use by ${userOf(user)}`, {
      hint: `pvh down --force ${name} takes it from there`,
    });
  }
  const reaped = await reap(engine, { kind: "container", name }, { signal });
  if (reaped.left.length > 0) return tellLeft(reaped, out);
  out.say(reaped.gone.includes(name) ? `another pvh has removed ${name}` : `removed ${name}`);
  return EXIT.pass;
}

async function downAll(engine: Engine, { args, out, signal }: Call): Promise<ExitCode> {
  const force = args.flag("force");
  const reaped = await reap(engine, { kind: force ? "all" : "unused" }, { signal });
  const { containers, volumes, gone } = reaped;
  out.say(`removed ${count(containers, "container")} and ${count(volumes, "volume")}`);
  if (gone.length > 0) out.say(`removed by others meanwhile: ${gone.join(", ")}`);
  if (reaped.left.length > 0) return tellLeft(reaped, out);
  const living = force ? [] : await livingUsers(engine);
  for (const one of living) out.say(`${one.name} stays: it is in use by ${userOf(one)}`);
  if (living.length > 0) out.say("  -> pvh down --all --force takes it from there");
  return EXIT.pass;
}

function tellLeft({ left }: Reaped, out: Output): ExitCode {
  out.say(`not removed: ${describeLeft(left)}\n  -> try again, or read the engine's log`);
  return EXIT.infra;
}

/** `2 containers (a, b)` */
function count(names: readonly string[], noun: string): string {
  const words = `${names.length} ${noun}${names.length === 1 ? "" : "s"}`;
  return names.length === 0 ? words : `${words} (${names.join(", ")})`;
}
