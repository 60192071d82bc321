import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { uptime } from "node:os";
import { ifRoom, isNoRoom } from "../shared/no-room.ts";
import type { LogEffect, LogLevel } from "./lifecycle/log-effect.ts";

/**
 * pantavisor.log in the real format (docs/pantavisor.md §2.6):
 * `[pantavisor] 1434 INFO\t -- [state]: (f:1) …`.
 */
export interface PantavisorLog extends Disposable {
  write(level: LogLevel, module: string, message: string): void;
  effect(effect: LogEffect): void;
  /** From now on write into the log tree of another revision, if the disk has room for one. */
  moveTo(folder: string): void;
}

/**
 * A full disk, which any container can make, costs lines and nothing else: pantavisor goes on.
 * @param folder  logs/<revision>
 * @param seconds clock of the lines: since the machine's start, or as PV_LOG_TIMESTAMP says
 */
export function openPantavisorLog(folder: string, seconds: () => number = uptime): PantavisorLog {
  let fd = openFile(folder);
  let lost = 0;
  const write: PantavisorLog["write"] = (level, module, message) => {
    const line = formatLine(seconds(), level, module, message);
    try {
      if (lost > 0) {
        const notice = `${lost} lines are missing here: the disk was full`;
        // The file may end in the middle of a line, so the notice starts on a new one.
        writeSync(fd, `\n${formatLine(seconds(), "WARN", "log", notice)}`);
        lost = 0;
      }
      if (writeSync(fd, line) < Buffer.byteLength(line)) lost += 1;
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      lost += 1;
    }
  };
  return {
    write,
    effect: ({ level, module, origin, message }) => write(level, module, `(${origin}) ${message}`),
    moveTo(next) {
      ifRoom(() => {
        const before = fd;
        fd = openFile(next);
        closeSync(before);
      });
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
  seconds: number,
  level: LogLevel,
  module: string,
  message: string,
): string {
  const clean = message.replace(/[\x00-\x08\x0a-\x1f\x7f]/g, " ");
  return `[pantavisor] ${Math.trunc(seconds)} ${level}\t -- [${module}]: ${clean}\n`;
}
