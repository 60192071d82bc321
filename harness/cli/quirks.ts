import { QUIRKS } from "../../broker/shared/quirks/names.ts";
import { catalogue, quirksOf } from "../catalogue/catalogue.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import type { Call } from "./command.ts";
import { shownTable } from "./shown-table.ts";

/** `pvh quirks [word…]`: the deviations of the reference, and the checks that each must turn red. */
export function quirksCommand({ args, out }: Call): Promise<ExitCode> {
  const words = args.words.map((word) => word.toLowerCase());
  const rows = Object.entries(QUIRKS)
    .map(([name, deviation]) => ({ name, deviation, checks: checksOf(name) }))
    .filter(({ name, deviation, checks }) =>
      words.every((word) => [name, deviation, ...checks].join(" ").toLowerCase().includes(word)),
    );
  if (args.flag("json")) out.data(JSON.stringify(rows, null, 2));
  else if (rows.length === 0) out.say("no quirk has these words");
  else {
    const cells = rows.map(({ name, deviation, checks }) => [name, deviation, checks.join(", ")]);
    out.data(shownTable(["QUIRK", "DEVIATION", "CHECKS"], cells));
  }
  return Promise.resolve(rows.length > 0 ? EXIT.pass : EXIT.nothing);
}

function checksOf(quirk: string): string[] {
  return [...catalogue().values()]
    .filter((row) => quirksOf(row).includes(quirk))
    .map(({ id }) => id);
}
