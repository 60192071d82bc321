import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { currentProject } from "../project/project.ts";
import { scaffoldContainer } from "../project/scaffold.ts";
import type { Call } from "./command.ts";

/** `pvh new container NAME`: the folder of a container with a program that only runs. */
export async function newContainerCommand({ args, out }: Call): Promise<ExitCode> {
  const project = await currentProject();
  const root = project?.root ?? process.cwd();
  for (const path of scaffoldContainer(root, args.word(0) ?? "")) out.data(path);
  return EXIT.pass;
}
