import { readFileSync } from "node:fs";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { clock } from "../clock/clock.ts";
import { PvhError } from "../errors.ts";
import { bisect, NotBracketed } from "../run/bisect.ts";
import type { Outcome } from "../run/bisect.ts";
import { discoverNamed } from "../run/discover.ts";
import { makePartDirectory, makeRunDirectory } from "../run/run-directory.ts";
import { runScenarios } from "../run/run.ts";
import { wholly } from "../run/selection.ts";
import { messageOfThrown } from "../thrown.ts";
import type { Args, Call } from "./command.ts";
import { preparationOf } from "./preparation.ts";
import { readRunFlags } from "./run-flags.ts";

/**
 * `pvh bisect --good REF --bad REF --images FILE <scenario>`: find the first image on which a scenario
 * fails.
 *
 * @throws PvhError PVH_USAGE for ends that are not in the list, or are not good and bad
 */
export async function bisectCommand(call: Call): Promise<ExitCode> {
  const { args, out, signal } = call;
  const { options, broker } = readRunFlags(args, "given");
  clock.scale = options.timeoutScale;
  const images = imagesOf(args);
  const name = args.word(0) ?? "";
  const selected = wholly(await discoverNamed([name]));
  const directory = makeRunDirectory();
  let runs = 0;
  const run = async (image: string): Promise<Outcome> => {
    signal.throwIfAborted();
    runs += 1;
    const { exitCode } = await runScenarios(
      selected,
      preparationOf(selected, { image, broker }, out),
      makePartDirectory(directory, `${String(runs).padStart(3, "0")}-${image}`),
      { ...options, command: ["bisect", name, `--image=${image}`], image },
      { signal, onEvent: () => undefined },
    );
    if (exitCode === EXIT.pass) return "good";
    return exitCode === EXIT.failed || exitCode === EXIT.neverReady ? "bad" : "unknown";
  };
  try {
    const { good, bad, unknown } = await bisect(images, run, (line) => out.say(line));
    out.say(`record     ${directory.shown}`);
    if (unknown.length > 0) out.say(`not to be judged: ${unknown.join(", ")}`);
    out.say(`last good  ${good}`);
    out.data(bad);
    return unknown.length > 0 ? EXIT.nothing : EXIT.pass;
  } catch (cause) {
    if (!(cause instanceof NotBracketed)) throw cause;
    throw new PvhError("PVH_USAGE", `there is nothing to search for: ${cause.message}`, {
      hint: `read the records in ${directory.shown}`,
      cause,
    });
  }
}

/** The part of the list from the good end to the bad one. */
function imagesOf(args: Args): readonly string[] {
  const [good, bad, file] = ["good", "bad", "images"].map((name) => {
    const value = args.text(name);
    if (value === undefined) throw new PvhError("PVH_USAGE", `pvh bisect needs --${name}`);
    return value;
  });
  const listed = linesOf(file ?? "");
  const [from, to] = [good, bad].map((end) => {
    const at = listed.indexOf(end ?? "");
    if (at === -1) throw new PvhError("PVH_USAGE", `${end ?? ""} is not in ${file ?? ""}`);
    return at;
  });
  if (from === undefined || to === undefined || from >= to) {
    throw new PvhError("PVH_USAGE", `${file ?? ""} has to name ${good ?? ""} before ${bad ?? ""}`, {
      hint: "one image a line, the oldest first",
    });
  }
  return listed.slice(from, to + 1);
}

function linesOf(file: string): string[] {
  try {
    const lines = readFileSync(file, "utf8").split("\n");
    return lines.map((line) => line.replace(/#.*/, "").trim()).filter((line) => line !== "");
  } catch (cause) {
    throw new PvhError("PVH_USAGE", `${file} cannot be read: ${messageOfThrown(cause)}`, { cause });
  }
}
