import { prettyFactory } from "pino-pretty";
import { printable } from "../../reports/printable.ts";
import { findHeld } from "../appengine/held.ts";
import type { Appengine } from "../appengine/appengine.ts";
import { consoleLog, LOG_ROOT, pantavisorLog } from "../appengine/layout.ts";
import { parseLogLine } from "../appengine/log-line.ts";
import type { LogLine } from "../appengine/log-line.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { readLines } from "../engine/read-lines.ts";
import { PvhError } from "../errors.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { shellQuote } from "../shell-quote.ts";
import type { Call } from "./command.ts";

const PINO_LEVELS: Record<LogLine["level"], number> = {
  ALL: 10,
  DEBUG: 20,
  INFO: 30,
  WARN: 40,
  ERROR: 50,
  FATAL: 60,
};

/** `pvh logs`: a log of a held appengine as it is, pretty on a terminal, or as JSON lines. */
export async function logsCommand({ args, out, signal }: Call): Promise<ExitCode> {
  const container = args.text("container");
  const engine = await findCleanEngine({ signal, progress: (line) => out.say(line) });
  const appengine = await findHeld(engine, args.word(0));
  const path = container === undefined ? pantavisorLog() : consoleLog(container);
  const follows = args.flag("follow");
  // With --follow the file may be created later.
  if (!follows) await requireFile(appengine, path);
  const stream = await appengine.stream(["tail", "-n", "+1", ...(follows ? ["-F"] : []), path]);
  const end = (): void => {
    stream.destroy();
  };
  signal.addEventListener("abort", end, { once: true });
  // When the reader goes away (pvh logs -f | head), only this error ends the stream.
  process.stdout.once("error", end);
  const show = formatter(args.flag("json"), process.stdout.isTTY);
  try {
    for await (const line of readLines(stream)) out.data(show(line));
  } catch (error) {
    // A stream that we destroyed reports a premature close.
    if (!stream.destroyed || !isPremature(error)) throw error;
  }
  await appengine.close();
  return EXIT.pass;
}

function isPremature(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";
}

async function requireFile(appengine: Appengine, path: string): Promise<void> {
  const { exitCode } = await appengine.sh(`test -f ${shellQuote(path)}`);
  if (exitCode === 0) return;
  const { stdout } = await appengine.sh(`cd ${LOG_ROOT}/0 && ls`);
  throw new PvhError("PVH_USAGE", `there is no ${path} in ${appengine.name}`, {
    hint: `containers with a log: ${stdout.trim().split("\n").join(", ")}`,
  });
}

/** On a terminal, escape sequences that containers wrote are shown, never carried out. */
export function formatter(json: boolean, isTty: boolean): (line: string) => string {
  const pretty = isTty
    ? prettyFactory({
        colorize: true,
        ignore: "pid,hostname",
        singleLine: true,
        translateTime: false,
      })
    : undefined;
  return (line) => {
    const parsed = parseLogLine(line);
    if (json) return JSON.stringify(parsed ?? { message: line });
    if (pretty === undefined) return line;
    if (parsed === undefined) return printable(line);
    return pretty({
      level: PINO_LEVELS[parsed.level],
      time: parsed.seconds,
      name: printable(parsed.module),
      msg: printable(parsed.message),
    }).trimEnd();
  };
}
