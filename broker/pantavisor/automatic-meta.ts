import { readFileSync, readdirSync, statfsSync } from "node:fs";
import { loadavg, networkInterfaces, uptime } from "node:os";
import { ifRoom } from "../shared/no-room.ts";
import type { MetaStore } from "./control/pantavisor-view.ts";

/**
 * The part of device-meta that changes by itself (docs/pantavisor.md §3.3): listed as it is, while its files
 * are as the start found it, until a key of that name is set or deleted.
 * @param storage any path on the storage volume
 */
export function withAutomaticMeta(store: MetaStore, storage: string): MetaStore {
  for (const [key, describe] of AUTOMATIC) {
    ifRoom(() => store.set(key, JSON.stringify(describe(storage))));
  }
  const automatic = new Map(AUTOMATIC);
  return {
    ...store,
    set(key, value) {
      automatic.delete(key);
      store.set(key, value);
    },
    delete(key) {
      automatic.delete(key);
      store.delete(key);
    },
    all() {
      const values = [...automatic].map(([key, describe]) => [key, describe(storage)] as const);
      // A fact that this device has none of is an empty file, and is not listed.
      const stored = Object.entries(store.all()).filter(([, value]) => value !== "");
      return Object.fromEntries([...stored, ...values]);
    },
  };
}

const AUTOMATIC: readonly (readonly [key: string, describe: (storage: string) => unknown])[] = [
  ["storage", describeStorage],
  ["interfaces", describeInterfaces],
  ["sysinfo", describeSystem],
  ["time", describeTime],
];

/** `storage.gc.reserved`: percent that updates leave free. */
const RESERVED = 0.05;

/** Bytes. */
function describeStorage(path: string): Record<string, number> {
  const { blocks, bavail, bsize } = statfsSync(path);
  const total = blocks * bsize;
  const free = bavail * bsize;
  const reserved = Math.floor(total * RESERVED);
  return { total, free, reserved, real_free: Math.max(0, free - reserved) };
}

function describeInterfaces(): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    for (const { address, family, mac, internal } of addresses) {
      (found[`${name}.${family.toLowerCase()}`] ??= []).push(address);
      if (!internal) found[`${name}.mac`] = [mac];
    }
  }
  return found;
}

/** The fields of sysinfo(2); loads are fixed-point with 16 bits of fraction. */
function describeSystem(): Record<string, number> {
  const memory = readFileSync("/proc/meminfo", "utf8");
  const bytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(memory)?.[1] ?? 0) * 1024;
  const [one = 0, five = 0, fifteen = 0] = loadavg().map((load) => Math.round(load * 65536));
  return {
    uptime: Math.floor(uptime()),
    "loads.0": one,
    "loads.1": five,
    "loads.2": fifteen,
    totalram: bytes("MemTotal"),
    freeram: bytes("MemFree"),
    sharedram: bytes("Shmem"),
    bufferram: bytes("Buffers"),
    totalswap: bytes("SwapTotal"),
    freeswap: bytes("SwapFree"),
    procs: readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length,
    totalhigh: 0,
    freehigh: 0,
    mem_unit: 1,
  };
}

function describeTime() {
  const now = Date.now();
  return {
    timeval: { tv_sec: Math.floor(now / 1000), tv_usec: (now % 1000) * 1000 },
    timezone: { tz_minuteswest: 0, tz_dsttime: 0 },
  };
}
