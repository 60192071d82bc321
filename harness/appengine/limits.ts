import type { HostConfig } from "dockerode";
import { PvhError } from "../errors.ts";

/** Shares of the engine's machine that an appengine may take; a limit of `none` is undefined. */
export interface Limits {
  /** Processes and threads. */
  readonly pids: number | undefined;
  /** Bytes, without swap. */
  readonly memory: number | undefined;
  /** Bytes of output that the engine keeps, in two files. */
  readonly log: number | undefined;
}

/**
 * Several times what the fullest scenario takes: they stop what runs away, and nothing else. Open
 * files have no limit here: an engine without CAP_SYS_RESOURCE cannot give more than it has.
 */
export const DEFAULT_LIMITS: Limits = { pids: 8192, memory: 4 * 2 ** 30, log: 64 * 2 ** 20 };

const UNITS: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };
/** Docker gives a container 6 MB at least, and a log file one byte. */
const LEAST = { pids: 64, memory: 64 * 2 ** 20, log: 2 ** 16 } as const;

/**
 * @param text `memory=4g,pids=none`; what it does not name keeps its default
 * @param from names the setting in messages
 * @throws PvhError PVH_USAGE
 */
export function parseLimits(text: string, from: string): Limits {
  const given: Partial<Record<keyof Limits, number | undefined>> = {};
  for (const item of text.split(",").map((one) => one.trim())) {
    if (item === "") continue;
    const [, name = "", value = ""] = /^(\w+)=(.*)$/.exec(item) ?? [];
    if (name !== "pids" && name !== "memory" && name !== "log") {
      throw refused(from, item, "it is no limit");
    }
    given[name] = value === "none" ? undefined : amount(name, value, item, from);
  }
  return { ...DEFAULT_LIMITS, ...given };
}

/** The limits that PVH_LIMITS sets, or the defaults. */
export function limitsOf(env: NodeJS.ProcessEnv = process.env): Limits {
  return parseLimits(env["PVH_LIMITS"] ?? "", "PVH_LIMITS");
}

/** Limits in the engine's form; the engine warns of one that it cannot keep, and leaves it out. */
export function limitsConfig({ pids, memory, log }: Limits): HostConfig {
  return {
    ...(pids !== undefined && { PidsLimit: pids }),
    ...(memory !== undefined && { Memory: memory, MemorySwap: memory }),
    ...(log !== undefined && {
      LogConfig: {
        Type: "json-file",
        Config: { "max-size": String(Math.floor(log / 2)), "max-file": "2" },
      },
    }),
  };
}

function amount(name: keyof Limits, value: string, item: string, from: string): number {
  const [, digits, unit = ""] = /^(\d{1,12})([kmg]?)b?$/i.exec(value) ?? [];
  const number = Number(digits) * (UNITS[unit.toLowerCase()] ?? 1);
  if (number >= LEAST[name]) return number;
  throw refused(from, item, `it needs a number from ${LEAST[name]}, or none`);
}

function refused(from: string, item: string, why: string): PvhError {
  return new PvhError("PVH_USAGE", `${from}: '${item}': ${why}`, {
    hint: "for example memory=4g,pids=8192,log=64m; none lifts a limit",
  });
}
