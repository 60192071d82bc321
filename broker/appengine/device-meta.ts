import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { arch, endianness, hostname, release, type, version } from "node:os";
import { join } from "node:path";

/** Facts about the device, kept as one file per key in storage/cache/devmeta (facts §3.3). */
export interface MetaStore {
  set(key: string, value: string): void;
  /** Values that are JSON objects or arrays are embedded, others are strings. */
  all(): Record<string, unknown>;
}

export function openMetaStore(folder: string): MetaStore {
  mkdirSync(folder, { recursive: true });
  return {
    set: (key, value) => writeFileSync(join(folder, key), value),
    all() {
      const files = readdirSync(folder).sort();
      return Object.fromEntries(
        files.map((key) => [key, embed(readFileSync(join(folder, key), "utf8"))]),
      );
    },
  };
}

/** What pantavisor knows of the machine at its start. */
export function describeDevice(revision: string, build: string): Record<string, string> {
  return {
    "pantahub.claimed": "0",
    "pantahub.online": "0",
    "pantavisor.arch": `${machine()}/64/${endianness() === "LE" ? "EL" : "EB"}`,
    "pantavisor.mode": "local",
    "pantavisor.revision": revision,
    "pantavisor.uname": JSON.stringify({
      "kernel.name": type(),
      "kernel.release": release(),
      "kernel.version": version(),
      "node.name": hostname(),
      machine: machine(),
    }),
    "pantavisor.version": build,
  };
}

function machine(): string {
  return arch() === "x64" ? "x86_64" : arch() === "arm64" ? "aarch64" : arch();
}

function embed(text: string): unknown {
  if (!/^[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
