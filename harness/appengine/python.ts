import { readFileSync } from "node:fs";
import { join } from "node:path";
import { clock } from "../clock/clock.ts";
import { dedent } from "../dedent.ts";

/** A Python 3 program that runs in a container or in the appengine. */
export interface PythonProgram {
  /** The program, as errors name it. */
  readonly name: string;
  readonly source: string;
  readonly args: readonly string[];
}

/** A value that JSON and Python write alike. */
export type PythonValue =
  string | number | readonly PythonValue[] | { readonly [key: string]: PythonValue };

/**
 * A program of a few lines: dedented, escapes are Python's, and a value becomes a literal.
 *
 * @example
 * python`
 *   from probes import unix
 *   print(unix.read_to_end(unix.connect(${path})))
 * `
 */
export function python(
  template: TemplateStringsArray,
  ...values: readonly PythonValue[]
): PythonProgram {
  const literals = values.map((value) => JSON.stringify(value));
  return { name: "python", source: dedent(String.raw(template, ...literals)), args: [] };
}

/**
 * A program in a file of its own.
 * @param args what `probes.arguments()` gives in it
 */
export function pythonFile(
  folder: string,
  name: string,
  ...args: readonly PythonValue[]
): PythonProgram {
  const source = readFileSync(join(folder, name), "utf8");
  return { name, source, args: args.map((value) => JSON.stringify(value)) };
}

/**
 * Command line of a program. Its time-outs are for a machine as busy as this one is now, by
 * `probes.patient(seconds)`: none of them may end a wait before the check's clock would.
 */
export function pythonArgv({ source, args }: PythonProgram): string[] {
  const stretch = `PVH_STRETCH=${clock.stretch().toFixed(2)}`;
  return ["env", stretch, "python3", "-u", "-c", source, ...args];
}

/** The same for a program that takes whole seconds, such as timeout(1). */
export function patientSeconds(seconds: number): number {
  return Math.ceil(seconds * clock.stretch());
}
