import { readFileSync, statSync } from "node:fs";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { printableLine } from "../../reports/printable.ts";
import { catalogue } from "../catalogue/catalogue.ts";
import { PvhError } from "../errors.ts";
import { checkLayer, openCheckout } from "../layer/check-layer.ts";
import type { LayerRow } from "../layer/check-layer.ts";
import type { BuildLog } from "../layer/rule.ts";
import { messageOfThrown } from "../thrown.ts";
import type { Call } from "./command.ts";

/** Bytes of a build log that is read, from its start. */
const LARGEST_LOG = 64 << 20;
const WORDS: Readonly<Record<LayerRow["state"], string>> = {
  ok: "ok  ",
  failed: "FAIL",
  skipped: "skip",
};

/**
 * `pvh layer DIR`: how a checkout of meta-pantavisor stands to the rows `layer.*` of the catalogue;
 * exit 1 when it does not keep one.
 *
 * @throws PvhError PVH_USAGE for what is no such checkout, and for a log that cannot be read
 */
export function layerCommand({ args, out }: Call): Promise<ExitCode> {
  const checkout = openCheckout(args.word(0) ?? ".");
  const rows = checkLayer(checkout, { logs: args.list("log").map(readLog) });
  const failed = rows.filter(({ state }) => state === "failed").length;
  if (args.flag("json")) out.data(JSON.stringify(rows, null, 2));
  else for (const line of rows.flatMap(linesOf)) out.data(line);
  const skipped = rows.filter(({ state }) => state === "skipped").length;
  out.say(`${rows.length} rows, ${failed} failed, ${skipped} skipped`);
  return Promise.resolve(failed > 0 ? EXIT.failed : EXIT.pass);
}

function linesOf({ id, state, findings, reason }: LayerRow): string[] {
  const promise = catalogue().get(id)?.promise ?? "";
  const told = reason ?? promise.replaceAll("`", "");
  return [
    `${WORDS[state]} ${id.padEnd(16)} ${printableLine(told)}`,
    ...findings.map(
      ({ file, line, what, mend }) =>
        `     ${printableLine(`${file}:${line}: ${what}; ${mend}`, 600)}`,
    ),
  ];
}

function readLog(path: string): BuildLog {
  try {
    const { size } = statSync(path);
    if (size > LARGEST_LOG) throw new Error(`it has more than ${LARGEST_LOG} bytes`);
    return { name: path, text: readFileSync(path, "utf8") };
  } catch (cause) {
    throw new PvhError("PVH_USAGE", `${path} cannot be read: ${messageOfThrown(cause)}`, { cause });
  }
}
