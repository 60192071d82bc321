import { join } from "node:path";
import { containerNameOf } from "../../broker/shared/formats/state.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { exportContent } from "../exports/examples.ts";
import { writeExport } from "../exports/write-export.ts";
import { currentProject } from "../project/project.ts";
import type { Call } from "./command.ts";

/** `pvh exports make NAME|FOLDER… --out DIR`: one `<name>.pvrexport.tgz` each. */
export async function exportsMakeCommand({ args, out, signal }: Call): Promise<ExitCode> {
  const folder = args.text("out") ?? ".";
  const json = args.flag("json");
  const progress = (line: string): void => out.say(line);
  await currentProject();
  const engine = await findCleanEngine({ signal, progress });
  const made: string[] = [];
  for (const item of args.words) {
    const content = await exportContent(engine, [item], { signal, progress });
    const path = join(folder, `${nameIn(content.fragment)}.pvrexport.tgz`);
    await writeExport(path, content, signal);
    made.push(path);
    if (!json) out.data(path);
  }
  if (json) out.data(JSON.stringify(made));
  return EXIT.pass;
}

function nameIn(fragment: object): string {
  const names = Object.keys(fragment).map(containerNameOf);
  return names.find((name) => name !== undefined) ?? "";
}
