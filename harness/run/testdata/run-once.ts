/**
 * Run scenarios without an engine: `run-once.ts OPTIONS FILTER [FOLDER]`, in a directory of the
 * caller's; the folder is ./bridge unless another is named. Prints `{ exitCode, folder, closing,
 * unwritten }`, and each event on stderr; SIGINT cancels.
 *
 * Option `unprepared` is the code of an error that the preparation ends with; `deadline` cancels
 * after so many milliseconds; `throwAt` is the type of an event after which an error is thrown
 * that nothing catches; `shares` are the names of shares that are prepared.
 */
import { join } from "node:path";
import { noPaint } from "../../../reports/paint.ts";
import { closingLine, TerminalReport } from "../../../reports/terminal.ts";
import { PvhError } from "../../errors.ts";
import type { ErrorCode } from "../../../reports/error-codes.ts";
import { makeRunDirectory } from "../run-directory.ts";
import { discover } from "../discover.ts";
import { runScenarios } from "../run.ts";
import type { RunOptions } from "../run.ts";
import { select } from "../selection.ts";
import { PLAIN_RUN } from "./plain-run.ts";
import { PREPARED_WITHOUT_ENGINE } from "./prepared-without-engine.ts";

interface TestOptions extends Partial<RunOptions> {
  readonly unprepared?: ErrorCode;
  readonly deadline?: number;
  readonly throwAt?: string;
  /** Things that the machine lacks, by scenario. */
  readonly missing?: Readonly<Record<string, string>>;
  readonly shares?: readonly string[];
}

const [text = "{}", filter = "", folder = join(import.meta.dirname, "bridge")] =
  process.argv.slice(2);
const {
  unprepared,
  deadline,
  throwAt,
  missing = {},
  shares = [],
  ...options
} = JSON.parse(text) as TestOptions;
const controller = new AbortController();
process.once("SIGINT", () => controller.abort("SIGINT"));
if (deadline !== undefined) setTimeout(() => controller.abort("deadline"), deadline);
const directory = makeRunDirectory();
const printed: string[] = [];
const shared = new Map(shares.map((name) => [name, { image: "none", exports: [] }]));
const report = new TerminalReport(
  { print: (line) => printed.push(line), status: () => undefined, columns: 80 },
  noPaint,
);
const { exitCode, state, unwritten } = await runScenarios(
  select(await discover(folder), filter),
  () =>
    unprepared === undefined
      ? Promise.resolve({
          ...PREPARED_WITHOUT_ENGINE,
          missing: new Map(Object.entries(missing)),
          shared,
        })
      : Promise.reject(new PvhError(unprepared, "waited 10000 ms for the exit code of a command")),
  directory,
  {
    command: ["run", filter],
    ...PLAIN_RUN,
    ...options,
  },
  {
    signal: controller.signal,
    onEvent: (event) => {
      report.event(event);
      if (event.type === throwAt) {
        setImmediate(() => {
          throw new TypeError("a bug that nothing catches");
        });
      }
      process.stderr.write(`${JSON.stringify(event)}\n`);
    },
  },
);
process.stdout.write(
  JSON.stringify({
    exitCode,
    folder: directory.folder,
    closing: [...printed, ...report.closing(directory.shown), closingLine(state)].join("\n"),
    unwritten: unwritten.map(({ message }) => message),
  }),
);
process.exit(0);
