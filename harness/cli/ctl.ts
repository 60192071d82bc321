import { printable } from "../../reports/printable.ts";
import { findHeld } from "../appengine/held.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { PvhError } from "../errors.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import type { Args, Call } from "./command.ts";

/** `pvh ctl METHOD PATH`: the answer's body on stdout, exit 0 for a 2xx answer. */
export async function ctlCommand({ args, out, signal }: Call): Promise<ExitCode> {
  const { method, path } = requestOf(args);
  const data = args.text("data");
  const engine = await findCleanEngine({ signal, progress: (line) => out.say(line) });
  const appengine = await findHeld(engine, args.text("name"));
  const reply = await appengine.control.send(method, path, {
    signal,
    ...(data !== undefined && { body: data }),
  });
  await appengine.close();
  // A container may have written the body: a terminal must show its escapes, not obey them.
  const body = process.stdout.isTTY ? printable(reply.body) : reply.body;
  if (body !== "") out.data(body);
  const good = reply.status >= 200 && reply.status < 300;
  if (!good) out.say(`HTTP ${reply.status}`);
  return good ? EXIT.pass : EXIT.failed;
}

/** @throws PvhError PVH_USAGE for what cannot stand in the first line of a request */
function requestOf(args: Args): { readonly method: string; readonly path: string } {
  const [method = "GET", path = "/"] = args.words;
  if (!/^[A-Za-z]+$/.test(method)) {
    throw new PvhError("PVH_USAGE", `'${method}' is not an HTTP method`, {
      hint: "pvh ctl --help",
    });
  }
  if (!/^[!-~]+$/.test(path)) {
    throw new PvhError("PVH_USAGE", `'${path}' is not a path of pv-ctrl`, {
      hint: "percent-encode characters that are not printable ASCII",
    });
  }
  return { method: method.toUpperCase(), path };
}
