import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { projectFacts } from "../project-facts.ts";
import { currentProject } from "../project/project.ts";
import { scaffoldScenario } from "../project/scaffold.ts";
import type { Call } from "./command.ts";

/** `pvh new scenario NAME`: a scenario that boots the project's containers. */
export async function newScenarioCommand({ args, out }: Call): Promise<ExitCode> {
  const project = await currentProject();
  const containers = Object.keys(projectFacts()?.containers ?? {});
  out.data(scaffoldScenario(project?.root ?? process.cwd(), args.word(0) ?? "", containers));
  return EXIT.pass;
}
