import { jsonWithoutCommands, withoutCommands } from "../../reports/ci-commands.ts";
import type { RecordedEvent } from "../../reports/events.ts";
import type { Forecast } from "../../reports/live-table.ts";
import { choosePaint } from "../../reports/paint.ts";
import { TerminalReport } from "../../reports/terminal.ts";
import type { Terminal } from "../../reports/terminal.ts";

export const PROGRESS = ["auto", "tty", "plain", "json", "quiet"] as const;
export type Progress = (typeof PROGRESS)[number];

/** Shows a run on stderr while it goes. */
export interface LiveReport {
  event(event: RecordedEvent): void;
  /** End the live display; what is printed next starts on a fresh line. */
  stop(): void;
  /** Blocks of the failures and totals. */
  closing(folder: string): readonly string[];
}

/** @param how `auto` is `tty` on a terminal outside CI, else `plain` */
export function liveReport(
  how: Progress,
  stream: NodeJS.WriteStream,
  forecast?: Forecast,
): LiveReport {
  const isCi = (process.env["CI"] ?? "") !== "";
  const kind = how === "auto" ? (stream.isTTY && !isCi ? "tty" : "plain") : how;
  const paint = choosePaint(process.env, stream.isTTY);
  const terminal = kind === "tty" ? liveTerminal(stream) : plainTerminal(stream);
  const silent = kind === "json" ? { ...terminal, print: () => undefined } : terminal;
  const report = new TerminalReport(silent, paint, kind === "quiet" ? "failures" : "all", forecast);
  const timer = setInterval(() => report.tick(Date.now()), kind === "tty" ? 250 : 1_000);
  return {
    event: (event) => {
      report.event(event);
      if (kind === "json") stream.write(`${jsonWithoutCommands(JSON.stringify(event))}\n`);
    },
    stop: () => {
      clearInterval(timer);
      terminal.status([]);
    },
    closing: (folder) => (kind === "json" ? [] : report.closing(folder)),
  };
}

function plainTerminal(stream: NodeJS.WriteStream): Terminal {
  return {
    print: (line) => void stream.write(`${withoutCommands(line)}\n`),
    status: () => undefined,
    columns: 80,
  };
}

/** Keeps a table below what is printed, and draws it anew in its place. */
function liveTerminal(stream: NodeJS.WriteStream): Terminal {
  let shown: readonly string[] = [];
  const replace = (lines: readonly string[]): void => {
    if (lines.join("\n") === shown.join("\n")) return;
    // ECMA-48: cursor up to the table's first line (CUU), all below it away (ED).
    const up = shown.length > 1 ? `\u001b[${shown.length - 1}A` : "";
    stream.write(`\r${up}\u001b[J${lines.join("\n")}`);
    shown = lines;
  };
  return {
    print: (line) => {
      const table = shown;
      replace([]);
      stream.write(`${withoutCommands(line)}\n`);
      replace(table);
    },
    status: replace,
    get columns() {
      // A pseudo-terminal whose size was never set reports 0.
      return stream.columns > 0 ? stream.columns : 80;
    },
  };
}
