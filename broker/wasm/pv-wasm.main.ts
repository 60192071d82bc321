import { readFileSync } from "node:fs";
import type { WasmGuest } from "../shared/formats/wasm-guest.ts";
import { parseQuirks } from "../shared/quirks/quirks.ts";
import { report, waitFor } from "./channel.ts";
import { deadlineIn } from "./connection.ts";
import { v8 } from "./engines/v8.ts";
import { wasmEdge } from "./engines/wasmedge.ts";
import { refuseUngranted } from "./grants.ts";
import { GuestErrno, GuestFailure } from "./guest-errno.ts";
import { hostModules } from "./host-modules.ts";
import type { WasiOptions } from "./wasi/preview1.ts";
import { logConsole } from "./wasi/console.ts";

/**
 * pv-wasm [TASK]: run the module of one container, in a process of its own. Pantavisor writes its
 * task to /guest.json. The process ends with the guest; what it did is told by the channel (channel.ts).
 */
const TASK = process.argv[2] ?? "/guest.json";
/** Exit status of a process that was asked to stop while its guest slept: that of SIGTERM. */
const STOPPED = 143;

// Node would open its debugger on the loopback interface.
process.on("SIGUSR1", () => undefined);

function main(): void {
  const guest = JSON.parse(readFileSync(TASK, "utf8")) as WasmGuest;
  const quirks = parseQuirks(guest.quirks);
  const engine = guest.engine === "wasmedge" ? wasmEdge(guest.memoryPages) : v8(guest);
  const module = engine.load(readFileSync(guest.module));
  const modules = hostModules(guest, wasiOf(guest), quirks);
  refuseUngranted(module.imports, modules, guest, quirks);
  const instance = module.instantiate(modules);
  report({ type: "started" });
  instance.run();
  exit(0);
}

function wasiOf({ name, args, env }: WasmGuest): WasiOptions {
  return {
    args: [name, ...args],
    env,
    console: logConsole(),
    exit,
    // Loaded by the first guest that asks: it takes a fifth of a start.
    random: (count) => process.getBuiltinModule("node:crypto").randomBytes(count),
    sleep(milliseconds) {
      try {
        waitFor([], deadlineIn(milliseconds));
      } catch (error) {
        if (!(error instanceof GuestErrno)) throw error;
        process.exit(STOPPED);
      }
    },
  };
}

/** An exit status has 8 bits: 256 would be success. The report has them all. */
function exit(code: number): never {
  report({ type: "exit", code });
  process.exit(Math.min(code, 255));
}

try {
  main();
} catch (error) {
  const reason = error instanceof GuestFailure ? error.message : `pv-wasm: ${String(error)}`;
  process.stderr.write(`${reason}\n`);
  report({ type: "failed", reason });
  process.exit(1);
}
