/** `node harness/cli/reference.main.ts`: docs/cli.md. */
import { COMMANDS } from "./commands.ts";
import { cliMarkdown } from "./reference.ts";

process.stdout.write(cliMarkdown(COMMANDS));
