import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { printable } from "../../shared/formats/printable.ts";
import { GUEST_CHANNEL } from "../../shared/formats/wasm-guest.ts";
import type { GuestReport } from "../../shared/formats/wasm-guest.ts";
import type { WasmOptions } from "../../shared/formats/wasm-options.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { ContainerProcess, Ending } from "./container-process.ts";
import { watchContainer } from "./container-process.ts";
import { runcErrorFromLog } from "./runc-bundle.ts";

/** Characters of all reports of one run; a reason is cut by pv-wasm long before. */
const MAX_REPORTS = 16 * 1024;
const SECOND = 1000;

/**
 * A guest: a process that tells by its channel when its module is instantiated and how it has
 * ended, and that is asked to stop by the end of the channel. A signal would not do: nothing
 * interrupts a guest but the end of its process.
 */
export function withGuestChannel(
  monitor: ChildProcess,
  readLog: () => string,
  { start_timeout, stop_timeout }: Pick<WasmOptions, "start_timeout" | "stop_timeout">,
  quirks: Quirks,
): ContainerProcess {
  const reports = readReports(monitor.stdio[GUEST_CHANNEL] as Socket);
  let isLate = false;
  const describe = (code: number | null): Ending => {
    if (isLate) return { exitCode: null, reason: `its module did not start in ${start_timeout} s` };
    return guestEnding(code, reports.last(), readLog(), quirks);
  };
  const container = watchContainer(monitor, (exitCode) => ({ exitCode }));
  const late = setTimeout(() => {
    isLate = !quirks.has("wasm-start-unlimited");
    if (isLate) container.kill();
  }, start_timeout * SECOND);
  let stopping: NodeJS.Timeout | undefined;
  // The last report may still be on its way when the process has ended.
  const ended = Promise.all([container.ended, reports.ended]).then(([ending]) => {
    clearTimeout(late);
    clearTimeout(stopping);
    return ending.reason === undefined ? describe(ending.exitCode) : ending;
  });
  const started = Promise.race([reports.started, ended.then(() => false)]);
  return {
    monitorPid: container.monitorPid,
    ended,
    started: started.then((isStarted) => {
      clearTimeout(late);
      return isStarted ? container.started : undefined;
    }),
    halt() {
      reports.channel.end();
      stopping = setTimeout(() => container.kill(), stop_timeout * SECOND);
    },
    kill: () => container.kill(),
  };
}

/** How a guest ended: as it reports, else as runc does. */
export function guestEnding(
  monitorCode: number | null,
  report: GuestReport | undefined,
  log: string,
  quirks: Quirks,
): Ending {
  if (report?.type === "failed") return { exitCode: 1, reason: printable(report.reason) };
  if (report?.type === "exit") {
    return { exitCode: quirks.has("wasm-exit-lost") ? 0 : report.code };
  }
  const reason = runcErrorFromLog(log);
  if (reason !== undefined) return { exitCode: monitorCode ?? 1, reason };
  // Each other end is that of the whole process: a signal, or Node's own for want of memory.
  return { exitCode: null };
}

interface Reports {
  readonly channel: Socket;
  /** Resolves when the module is instantiated. */
  readonly started: Promise<true>;
  /** Resolves when no more reports will come. */
  readonly ended: Promise<void>;
  readonly last: () => GuestReport | undefined;
}

function readReports(channel: Socket): Reports {
  let text = "";
  const started = Promise.withResolvers<true>();
  const ended = new Promise<void>((resolve) => channel.once("close", () => resolve()));
  channel.setEncoding("utf8");
  channel.on("data", (more: string) => {
    if (text.length + more.length > MAX_REPORTS) return;
    text += more;
    if (parse(text.split("\n", 1)[0])?.type === "started") started.resolve(true);
  });
  // A guest that was killed resets the connection; `close` follows.
  channel.on("error", () => undefined);
  const last = () => parse(text.trimEnd().split("\n").at(-1));
  return { channel, started: started.promise, ended, last };
}

/** A process that was taken over by its guest may write anything. */
function parse(line = ""): GuestReport | undefined {
  const [, type, rest = ""] = /^(started|exit|failed)(?: (.*))?$/.exec(line) ?? [];
  if (type === "started") return { type };
  if (type === "failed") return { type, reason: rest };
  return type === "exit" && /^\d{1,10}$/.test(rest) ? { type, code: Number(rest) } : undefined;
}
