import { ourContainers } from "../appengine/held.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import type { Call } from "./command.ts";
import { shownTable } from "./shown-table.ts";

/** List the appengines of this engine that carry our labels. */
export async function psCommand({ args, out, signal }: Call): Promise<ExitCode> {
  const engine = await findCleanEngine({ signal, progress: (line) => out.say(line) });
  const containers = await ourContainers(engine);
  if (args.flag("json")) {
    out.data(JSON.stringify(containers));
    return EXIT.pass;
  }
  if (containers.length === 0) out.say("no appengines; pvh up starts one");
  else {
    const rows = containers.map(({ name, status, held, run, image }) => [
      name,
      status,
      held ? "held" : `run ${run}`,
      image,
    ]);
    out.data(shownTable(["NAME", "STATUS", "FOR", "IMAGE"], rows));
  }
  return EXIT.pass;
}
