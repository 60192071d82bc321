import { printable } from "../formats/printable.ts";

/** A fault of an export, with the member that it is in or follows. */
export class ExportError extends Error {
  override readonly name = "ExportError";

  /** @param problem a predicate of the member, or of the export where no member is named */
  constructor(problem: string, member?: string) {
    super(member === undefined ? problem : `member ${shown(member)} ${problem}`);
  }
}

const LONGEST_SHOWN = 200;

/** As JSON: a name may hold what would break a line or steer a terminal. */
function shown(name: string): string {
  const text = printable(JSON.stringify(name.slice(0, LONGEST_SHOWN)));
  return name.length > LONGEST_SHOWN ? `${text.slice(0, -1)}…"` : text;
}
