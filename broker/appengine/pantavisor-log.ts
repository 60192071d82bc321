import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { uptime } from "node:os";
import type { LogEffect, LogLevel } from "../lifecycle/log-effect.ts";

/** pantavisor.log in the real format (observed §1): `[pantavisor] 1434 INFO\t -- [state]: (f:1) …`. */
export interface PantavisorLog extends Disposable {
  write(level: LogLevel, module: string, message: string): void;
  effect(effect: LogEffect): void;
  /** From now on write into the log tree of another revision. */
  moveTo(folder: string): void;
}

/** @param folder logs/<revision> */
export function openPantavisorLog(folder: string): PantavisorLog {
  let fd = openFile(folder);
  const write: PantavisorLog["write"] = (level, module, message) => {
    writeSync(fd, formatLine(uptime(), level, module, message));
  };
  return {
    write,
    effect: ({ level, module, origin, message }) => write(level, module, `(${origin}) ${message}`),
    moveTo(next) {
      const before = fd;
      fd = openFile(next);
      closeSync(before);
    },
    [Symbol.dispose]() {
      closeSync(fd);
    },
  };
}

function openFile(folder: string): number {
  mkdirSync(join(folder, "pantavisor"), { recursive: true });
  return openSync(join(folder, "pantavisor/pantavisor.log"), "a", 0o644);
}

/** One line; control characters of containers and daemons do not make it two. */
export function formatLine(
  uptimeSeconds: number,
  level: LogLevel,
  module: string,
  message: string,
): string {
  const clean = message.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, " ");
  return `[pantavisor] ${Math.trunc(uptimeSeconds)} ${level}\t -- [${module}]: ${clean}\n`;
}
