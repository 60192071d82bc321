import { join, resolve } from "node:path";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { printableLine } from "../../reports/printable.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { PvhError } from "../errors.ts";
import { buildWithKas } from "../image/kas/build-with-kas.ts";
import type { Call } from "./command.ts";

/** Options of `pvh build` that are about the reference. */
const OF_THE_REFERENCE = ["bare", "profile", "output"];

/**
 * `pvh build --kas DIR`: build a checkout of meta-pantavisor, load the appengine's image, and print
 * its reference, or with only other targets the paths of the exports.
 */
export async function buildCheckout(checkout: string, call: Call): Promise<ExitCode> {
  const { args, out, signal } = call;
  const foreign = OF_THE_REFERENCE.find((name) => args.flag(name) || args.text(name) !== undefined);
  if (foreign !== undefined) {
    throw new PvhError(
      "PVH_USAGE",
      `--${foreign} is of the reference, and --kas builds a checkout`,
    );
  }
  const progress = (line: string): void => out.say(printableLine(line));
  const wish = {
    machine: args.text("machine"),
    targets: args.list("target"),
    workspace: args.flag("workspace"),
  };
  const folder = join(".pvh/kas", new Date().toISOString().replaceAll(/[-:.]/g, ""));
  progress(`log: ${folder}/build.log`);
  const built = await buildWithKas(resolve(checkout), wish, {
    signal,
    progress,
    folder,
    engine: () => findCleanEngine({ signal, progress }),
  });
  const dirty = built.sources.filter(({ isDirty }) => isDirty).length;
  const changed = dirty === 0 ? "" : `, ${dirty} with changes of no commit`;
  out.say(`${built.sources.length} sources${changed}; log and record: ${folder}`);
  if (args.flag("json")) out.data(JSON.stringify(built));
  else if (built.image !== undefined) out.data(built.image.ref);
  else for (const path of built.exports) out.data(path);
  if (built.image !== undefined) out.say(`pvh run --image ${built.image.ref}   # judges it`);
  return EXIT.pass;
}
