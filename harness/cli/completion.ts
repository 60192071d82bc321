import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import type { Call } from "./command.ts";
import { completionScript, SHELLS } from "./completion-script.ts";
import type { Shell } from "./completion-script.ts";
import { PvhError } from "../errors.ts";

/** `pvh completion SHELL`: a script that completes pvh's commands and options, from the command table. */
export function completionCommand({ args, out, commands = [] }: Call): Promise<ExitCode> {
  const shell = SHELLS.find((one) => one === args.word(0));
  if (shell === undefined) {
    throw new PvhError("PVH_USAGE", `'${args.word(0) ?? ""}' is no shell that pvh knows`, {
      hint: `pvh completion ${SHELLS.join("|")}`,
    });
  }
  out.data(completionScript(shell satisfies Shell, commands).trimEnd());
  return Promise.resolve(EXIT.pass);
}
