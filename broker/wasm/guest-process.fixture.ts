import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import type { GuestService, WasmEngine, WasmGuest } from "../shared/formats/wasm-guest.ts";

/** Modules of the scenarios. */
export const GUESTS = join(import.meta.dirname, "../../scenarios/wasm/guests");

/** A pv-wasm process, for tests; its sockets are in `folder`. */
export interface GuestProcess extends AsyncDisposable {
  readonly pid: number;
  readonly channel: Socket;
  /** Resolves at the process's end with all that it has written. */
  readonly ended: Promise<GuestResult>;
  kill(): void;
}

export interface GuestResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string[];
  readonly reports: string[];
}

export interface RunOptions {
  readonly engine?: WasmEngine;
  /** File in GUESTS. */
  readonly module?: string;
  readonly words?: readonly string[];
  readonly requires?: readonly GuestService[];
  readonly provides?: readonly GuestService[];
  readonly quirks?: string;
}

/** A service of each type, so that the probe gets all host modules. */
const ABSENT: readonly GuestService[] = ["rest", "dbus", "unix"].map((type) => ({
  name: `absent-${type}`,
  type,
  socket: `/nonexistent/${type}.sock`,
}));

export function startGuest(options: RunOptions): GuestProcess {
  const { engine = "v8", module = "probe.wasm" } = options;
  const { words = [], requires = [], provides = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), "pv-wasm-"));
  const task: WasmGuest = {
    name: "guest",
    engine,
    memoryPages: 100,
    tableElements: 100_000,
    module: join(GUESTS, module),
    args: words,
    env: { COLOUR: "blue" },
    requires: [...ABSENT, ...requires],
    provides,
    quirks: options.quirks ?? "",
  };
  const path = join(folder, "guest.json");
  writeFileSync(path, JSON.stringify(task));
  const program = join(import.meta.dirname, "pv-wasm.main.ts");
  const child = spawn(process.execPath, [program, path], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const channel = child.stdio[3] as Socket;
  const exit = new Promise<Pick<GuestResult, "code" | "signal">>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const all = [child.stdout, child.stderr, channel as Readable].map((stream) =>
    text(stream as Readable),
  );
  const ended = Promise.all([exit, ...all]).then(
    ([end, output = "", errors = "", reports = ""]) => ({
      ...end,
      output: linesOf(output + errors),
      reports: linesOf(reports),
    }),
  );
  return {
    pid: child.pid ?? -1,
    channel,
    ended,
    kill: () => void child.kill("SIGKILL"),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}

/** Run a guest to its end. */
export async function runGuest(options: RunOptions): Promise<GuestResult> {
  await using guest = startGuest(options);
  return await guest.ended;
}

function linesOf(output: string): string[] {
  return output.trimEnd() === "" ? [] : output.trimEnd().split("\n");
}
