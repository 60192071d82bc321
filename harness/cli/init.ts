import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { scaffoldProject } from "../project/scaffold.ts";
import type { Call } from "./command.ts";

/** `pvh init`: write a project that works into the working directory. */
export function initCommand({ out }: Call): Promise<ExitCode> {
  for (const path of scaffoldProject(process.cwd())) out.data(path);
  out.say("\nnpx pvh run runs its scenario; npx pvh new scenario NAME begins another one");
  return Promise.resolve(EXIT.pass);
}
