import { printableLine } from "../../reports/printable.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { lintPath } from "../exports/lint-path.ts";
import { currentProject } from "../project/project.ts";
import type { Call } from "./command.ts";

/**
 * `pvh exports lint PATH…`: check exports, folders of containers, or examples and containers of the
 * project by name; exit 1 when there is an error, 0 with warnings only.
 *
 * @throws PvhError PVH_BAD_EXPORT (exit 2) for what cannot be read
 */
export async function exportsLintCommand({ args, out, signal }: Call): Promise<ExitCode> {
  const json = args.flag("json");
  const findings = [];
  await currentProject();
  for (const file of args.words) {
    for (const finding of await lintPath(file, signal)) findings.push({ file, ...finding });
  }
  if (json) out.data(JSON.stringify(findings, null, 2));
  for (const { file, at, level, code, path, message, fix } of json ? [] : findings) {
    out.data(printableLine(`${at ?? file}: ${level} ${code} at ${path}: ${message}; ${fix}`, 1000));
  }
  const errors = findings.filter(({ level }) => level === "error").length;
  out.say(`${args.words.length} checked, ${errors} errors, ${findings.length - errors} warnings`);
  return errors > 0 ? EXIT.failed : EXIT.pass;
}
