import { findHeld } from "../appengine/held.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { printable } from "../../reports/printable.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { shellQuote } from "../shell-quote.ts";
import type { Call } from "./command.ts";

/** Milliseconds that a command may take. */
const PATIENCE = 24 * 3_600_000;

/**
 * `pvh exec CONTAINER COMMAND…`: run a command in a container of a held appengine; `-` is the appengine
 * itself. Exit 1 for a command that does not end with 0.
 */
export async function execCommand({ args, out, signal }: Call): Promise<ExitCode> {
  const [container = "-", ...words] = args.words;
  const engine = await findCleanEngine({ signal, progress: (line) => out.say(line) });
  const appengine = await findHeld(engine, args.text("name"));
  const target = container === "-" ? appengine : appengine.inside(container);
  const script = words.map(shellQuote).join(" ");
  const { exitCode, stdout, stderr } = await target.sh(script, { signal, timeout: PATIENCE });
  await appengine.close();
  if (stdout !== "") out.data(shown(stdout));
  if (stderr !== "") out.say(printable(stderr.replace(/\n$/, "")));
  if (exitCode === 0) return EXIT.pass;
  out.say(`it ended with ${exitCode}`);
  return EXIT.failed;
}

/** Bytes as they are for a program that reads them; on a terminal nothing in them acts. */
function shown(text: string): string {
  const whole = text.replace(/\n$/, "");
  return process.stdout.isTTY ? printable(whole) : whole;
}
