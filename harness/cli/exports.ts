import { join } from "node:path";
import { containerNameOf } from "../../broker/shared/formats/state.ts";
import { printableLine } from "../../reports/printable.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { exportContent } from "../exports/examples.ts";
import { lintPath } from "../exports/lint-path.ts";
import { writeExport } from "../exports/write-export.ts";
import type { Output } from "./output.ts";

export interface ExportsMakeOptions {
  /** Example names, or paths of folders in the examples' layout. */
  readonly wanted: readonly string[];
  /** Folder that gets one `<name>.pvrexport.tgz` each. */
  readonly folder: string;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/** `pvh exports make NAME|FOLDER… --out DIR` */
export async function exportsMakeCommand(
  { wanted, folder, json, signal }: ExportsMakeOptions,
  out: Output,
): Promise<ExitCode> {
  const progress = (line: string): void => out.say(line);
  const engine = await findCleanEngine({ signal, progress });
  const made: string[] = [];
  for (const item of wanted) {
    const content = await exportContent(engine, [item], { signal, progress });
    const path = join(folder, `${nameIn(content.fragment)}.pvrexport.tgz`);
    await writeExport(path, content, signal);
    made.push(path);
    if (!json) out.data(path);
  }
  if (json) out.data(JSON.stringify(made));
  return EXIT.pass;
}

export interface ExportsLintOptions {
  /** Exports, folders in the examples' layout, or example names. */
  readonly paths: readonly string[];
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/**
 * `pvh exports lint PATH…`: exit 1 when there is an error, 0 with warnings only.
 *
 * @throws PvhError PVH_BAD_EXPORT (exit 2) for what cannot be read
 */
export async function exportsLintCommand(
  { paths, json, signal }: ExportsLintOptions,
  out: Output,
): Promise<ExitCode> {
  const findings = [];
  for (const file of paths) {
    for (const finding of await lintPath(file, signal)) findings.push({ file, ...finding });
  }
  if (json) out.data(JSON.stringify(findings, null, 2));
  for (const { file, level, code, path, message, fix } of json ? [] : findings) {
    out.data(printableLine(`${file}: ${level} ${code} at ${path}: ${message}; ${fix}`, 1000));
  }
  const errors = findings.filter(({ level }) => level === "error").length;
  out.say(`${paths.length} checked, ${errors} errors, ${findings.length - errors} warnings`);
  return errors > 0 ? EXIT.failed : EXIT.pass;
}

function nameIn(fragment: object): string {
  const names = Object.keys(fragment).map(containerNameOf);
  return names.find((name) => name !== undefined) ?? "";
}
