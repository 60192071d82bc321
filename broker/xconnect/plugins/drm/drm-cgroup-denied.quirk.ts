import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Link } from "../plugin.ts";

/** Deny the consumer its DRM nodes. */
export async function denyByCgroup({ consumer }: Link): Promise<void> {
  await promisify(execFile)("lxc-cgroup", ["-n", consumer, "devices.deny", "c 226:* rwm"]);
}
