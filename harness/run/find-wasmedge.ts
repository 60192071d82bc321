import { existsSync } from "node:fs";
import { join } from "node:path";

/** Name under which WasmEdge's library is loaded. */
export const WASMEDGE = "libwasmedge.so.0";

/** Folders of a package's libraries, and of WasmEdge's own installer. */
const FOLDERS = [
  "/usr/lib",
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/usr/local/lib",
  "/usr/local/lib64",
  join(process.env["HOME"] ?? "/", ".wasmedge/lib"),
];

/** Path of WasmEdge's library on this machine: PVH_WASMEDGE, or where it is installed. */
export function findWasmEdge(): string | undefined {
  const named = process.env["PVH_WASMEDGE"];
  const paths = named === undefined ? FOLDERS.map((folder) => join(folder, WASMEDGE)) : [named];
  return paths.find((path) => existsSync(path));
}
