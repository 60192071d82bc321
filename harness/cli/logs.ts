import { setTimeout } from "node:timers/promises";
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
import { LogReader } from "../appengine/log-reader.ts";
import type { Call } from "./command.ts";
import type { Output } from "./output.ts";

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
  const follows = args.flag("follow");
  if (follows && container === undefined) {
    await followAll(appengine, args.flag("json"), out, signal);
    await appengine.close();
    return EXIT.pass;
  }
  const isOwn = container === undefined || container === "pantavisor";
  const path = isOwn ? pantavisorLog() : consoleLog(container);
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

/** All logs of the appengine, merged as they grow, until the signal. */
async function followAll(
  appengine: Appengine,
  json: boolean,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const reader = new LogReader(appengine);
  const show = formatter(json, process.stdout.isTTY);
  const lost = new AbortController();
  // When the reader goes away (pvh logs -f | head), only this error ends it.
  process.stdout.once("error", () => lost.abort());
  const over = AbortSignal.any([signal, lost.signal]);
  while (!over.aborted) {
    const news = await reader.look(over).catch((error: unknown) => {
      if (over.aborted) return [];
      throw error;
    });
    for (const { source, lines, skipped } of news) {
      const from = sourceName(source);
      if (skipped > 0) out.say(`${from}: ${skipped} bytes are left out`);
      for (const line of lines) out.data(show(line, from));
    }
    await setTimeout(FOLLOWED, undefined, { signal: over }).catch(() => undefined);
  }
}

/** Milliseconds between two looks. */
const FOLLOWED = 200;

/** `0/app/lxc/console.log` as `app console`, `0/pantavisor/pantavisor.log` as `pantavisor`. */
function sourceName(source: string): string {
  const parts = source.split("/");
  const file = (parts.at(-1) ?? "").replace(/\.log$/, "");
  const owner = parts[1] ?? "";
  return owner === file ? file : `${owner} ${file}`;
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
export function formatter(json: boolean, isTty: boolean): (line: string, from?: string) => string {
  const pretty = isTty
    ? prettyFactory({
        colorize: true,
        ignore: "pid,hostname",
        singleLine: true,
        translateTime: false,
      })
    : undefined;
  return (line, from) => {
    const parsed = parseLogLine(line);
    const source = from === undefined ? {} : { source: from };
    if (json) return JSON.stringify({ ...source, ...(parsed ?? { message: line }) });
    if (pretty === undefined) return from === undefined ? line : `${from}: ${line}`;
    if (parsed === undefined && from === undefined) return printable(line);
    const module = parsed === undefined ? "" : printable(parsed.module);
    return pretty({
      level: PINO_LEVELS[parsed?.level ?? "INFO"],
      ...(parsed !== undefined && { time: parsed.seconds }),
      name: [from, module].filter((word) => word !== undefined && word !== "").join(" "),
      msg: printable(parsed?.message ?? line),
    }).trimEnd();
  };
}
