import { createInterface } from "node:readline";
import { prettyFactory } from "pino-pretty";
import { findHeld } from "../appengine/held.ts";
import { consoleLog, pantavisorLog } from "../appengine/layout.ts";
import { parseLogLine } from "../appengine/log-line.ts";
import type { LogLine } from "../appengine/log-line.ts";
import { findEngine } from "../engine/engine.ts";
import { EXIT } from "../exit-codes.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { Output } from "./output.ts";

export interface LogsOptions {
  readonly name?: string;
  /** Console of this LXC container instead of pantavisor.log. */
  readonly container?: string;
  readonly follow: boolean;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

const PINO_LEVELS: Record<LogLine["level"], number> = {
  ALL: 10,
  DEBUG: 20,
  INFO: 30,
  WARN: 40,
  ERROR: 50,
  FATAL: 60,
};

/** Print a log of a held appengine: as it is, pretty on a terminal, or as JSON lines. */
export async function logsCommand(options: LogsOptions, out: Output): Promise<ExitCode> {
  const engine = await findEngine({ signal: options.signal });
  const appengine = await findHeld(engine, options.name);
  const path = options.container === undefined ? pantavisorLog() : consoleLog(options.container);
  const follow = options.follow ? ["-F"] : [];
  const stream = await appengine.stream(["tail", "-n", "+1", ...follow, path]);
  options.signal.addEventListener("abort", () => stream.destroy(), { once: true });
  // Nobody reads on (pvh logs -f | head): there is no other end.
  process.stdout.once("error", () => stream.destroy());
  const show = formatter(options.json);
  for await (const line of createInterface({ input: stream })) out.data(show(line));
  await appengine.close();
  return EXIT.pass;
}

function formatter(json: boolean): (line: string) => string {
  const pretty = process.stdout.isTTY
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
    if (parsed === undefined || pretty === undefined) return line;
    return pretty({
      level: PINO_LEVELS[parsed.level],
      time: parsed.seconds,
      name: parsed.module,
      msg: parsed.message,
    }).trimEnd();
  };
}
