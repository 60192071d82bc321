import { printable } from "../../reports/printable.ts";
import { findHeld } from "../appengine/held.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import type { Output } from "./output.ts";

export interface CtlOptions {
  readonly name?: string;
  readonly method: string;
  readonly path: string;
  readonly data?: string;
  readonly signal: AbortSignal;
}

/** One request to pv-ctrl of a held appengine: body on stdout, exit 0 for a 2xx answer. */
export async function ctlCommand(options: CtlOptions, out: Output): Promise<ExitCode> {
  const { signal } = options;
  const engine = await findCleanEngine({ signal, progress: (line) => out.say(line) });
  const appengine = await findHeld(engine, options.name);
  const reply = await appengine.control.send(options.method.toUpperCase(), options.path, {
    signal: options.signal,
    ...(options.data !== undefined && { body: options.data }),
  });
  await appengine.close();
  // A container may have written the body: a terminal must show its escapes, not obey them.
  const body = process.stdout.isTTY ? printable(reply.body) : reply.body;
  if (body !== "") out.data(body);
  const good = reply.status >= 200 && reply.status < 300;
  if (!good) out.say(`HTTP ${reply.status}`);
  return good ? EXIT.pass : EXIT.failed;
}
