import { parseArgs } from "node:util";
import { parseDebug } from "../shared/debug-topics.ts";
import { messageOf } from "../shared/message-of.ts";
import { PluginRegistry } from "./plugins/registry.ts";
import type { BrokerFiles } from "../shared/formats/broker-status.ts";
import { quirksOf } from "../shared/quirks/quirks.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import { openBrokerFolder } from "./links/broker-folder.ts";
import { takeBrokerLock } from "./links/broker-lock.ts";
import { Broker } from "./links/broker.ts";
import { openFiles } from "./planes/open-files.ts";
import { blockOutput } from "./links/block-output.quirk.ts";
import { createOutput } from "./links/output.ts";
import type { Output } from "./links/output.ts";
import { silent } from "./links/silent-output.quirk.ts";
import { PlantedJournal } from "./peers/planted-journal.ts";
import { serveStatus } from "./links/status-server.ts";
import { BrokerToolbox, ShowingToolbox } from "./links/toolbox.ts";

/**
 * pv-xconnect: the broker of one pv-ctrl socket, until SIGTERM or SIGINT. SIGHUP tells that the
 * graph has changed.
 */
const DEFAULT_CTRL = "/run/pantavisor/pv/pv-ctrl";
/** Milliseconds between attempts of a broker that only shows to become the one that mediates. */
const LOCK_POLL = 1_000;

interface Settings {
  readonly ctrl: string;
  readonly quirks: Quirks;
  readonly output: Output;
  readonly plugins: PluginRegistry;
  readonly extensionsOfState: boolean;
  readonly tellDecisions: boolean;
  /** True when sockets may be replaced even if a process listens on them. */
  readonly replaceLive: boolean;
  readonly replant: boolean;
}

let running: Broker | undefined;

function outputUnder(quirks: Quirks): Output {
  if (quirks.has("xconnect-silent")) return silent(createOutput());
  // As the C library's stdout does, which `stdbuf` makes print line by line.
  const inBlocks = quirks.has("xconnect-in-blocks") && process.env["_STDBUF_O"] === undefined;
  return inBlocks ? blockOutput(createOutput()) : createOutput();
}

async function main(): Promise<number> {
  const stop = new AbortController();
  process.on("SIGTERM", () => stop.abort());
  process.on("SIGINT", () => stop.abort());
  // Ignore SIGUSR1: Node would open its debugger on the loopback interface, which containers share.
  process.on("SIGUSR1", () => undefined);
  process.umask(0o022);

  const { values } = parseArgs({ options: { ctrl: { type: "string", default: DEFAULT_CTRL } } });
  const quirks = quirksOf(process.env);
  process.on("SIGHUP", () => running?.graphChanged());

  // 029-32 neither knows of other brokers nor plants removed sockets again.
  const wipes = quirks.has("second-broker-wipes");
  const output = outputUnder(quirks);
  process.on("exit", () => output.flush());
  const settings: Settings = {
    ctrl: values.ctrl,
    quirks,
    output,
    plugins: new PluginRegistry(),
    extensionsOfState: process.env["PVH_EXTENSIONS"] === "state",
    tellDecisions: parseDebug(process.env["PVH_DEBUG"]).topics.has("filter"),
    replaceLive: wipes,
    replant: !wipes,
  };

  output.log("pv-xconnect starting...");
  try {
    if (wipes) await mediate(settings, stop.signal);
    else await ownOrShow(settings, stop.signal);
    return 0;
  } catch (error) {
    output.warn(`pv-xconnect: ${messageOf(error)}`);
    return 1;
  }
}

/** Mediate as soon as no other broker owns the pv-ctrl socket; show the graph until then. */
async function ownOrShow(settings: Settings, signal: AbortSignal): Promise<void> {
  const files = openBrokerFolder(settings.ctrl);
  while (!signal.aborted) {
    const lock = takeBrokerLock(files.lock);
    if (!("heldBy" in lock)) {
      await own(settings, files, signal);
      lock[Symbol.dispose]();
      return;
    }
    settings.output.log(
      `pv-xconnect: process ${lock.heldBy} mediates for ${settings.ctrl}; this one only shows`,
    );
    await show(settings, files.lock, signal);
  }
}

async function own(settings: Settings, paths: BrokerFiles, signal: AbortSignal): Promise<void> {
  const journal = new PlantedJournal(paths.planted, (line) => settings.output.warn(line));
  const files = openFiles();
  const broker = new Broker({
    ...settings,
    tools: new BrokerToolbox({ ...settings, journal, files }),
  });
  running = broker;
  const status = serveStatus(paths.status, () => ({
    pid: process.pid,
    files: { open: files.open(), limit: files.limit },
    ...broker.status(),
  }));
  await broker.run(signal);
  status[Symbol.dispose]();
  journal.remove();
}

/** Mediate without a lock, as 029-32 does. */
async function mediate(settings: Settings, signal: AbortSignal): Promise<void> {
  running = new Broker({ ...settings, tools: new BrokerToolbox(settings) });
  await running.run(signal);
}

/** @returns when the signal fires or the other broker has gone */
async function show(settings: Settings, lockFile: string, signal: AbortSignal): Promise<void> {
  const alone = new AbortController();
  const ended = AbortSignal.any([signal, alone.signal]);
  running = new Broker({ ...settings, replant: false, tools: new ShowingToolbox(settings) });
  const poll = setInterval(() => {
    const lock = takeBrokerLock(lockFile);
    if ("heldBy" in lock) return;
    lock[Symbol.dispose]();
    alone.abort();
  }, LOCK_POLL);
  await running.run(ended);
  clearInterval(poll);
}

void main().then((exitCode) => process.exit(exitCode));
