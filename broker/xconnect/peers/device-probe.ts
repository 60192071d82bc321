import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import { deviceCgroup } from "./device-cgroup.ts";
import type { PeerId } from "./peer-id.ts";

/** This Node, by the command that started it: a loader may have loaded it. */
const NODE = isAbsolute(process.argv0) ? process.argv0 : process.execPath;

/** Milliseconds to wait for the probe, since a container may have frozen its cgroup; Node starts slowly on a busy machine. */
const PROBE_TIMEOUT = 10_000;
const EXIT_DENIED = 7;

/**
 * Program of a child process that enters the consumer's device cgroup and calls access(2), which
 * consults the device cgroup without opening the device. File permissions play no part, since the
 * child is root with all capabilities. A shell would not do: that of busybox answers for root
 * without asking the kernel.
 */
const PROBE = `
  const { accessSync, constants: { R_OK, W_OK }, writeFileSync } = require("node:fs");
  try { writeFileSync(process.argv[1], "0"); } catch { process.exit(0); }
  try { accessSync("/proc/self/fd/3", R_OK | W_OK); } catch { process.exit(${EXIT_DENIED}); }
  console.log("may");
`;

/**
 * Find out if the device cgroup of a process denies a device node.
 *
 * @param inode O_PATH fd of the node
 * @returns true when it does; undefined when that cannot be found out
 */
export async function probeDevice({ pid }: PeerId, inode: number): Promise<boolean | undefined> {
  const group = deviceGroup(pid);
  if (group === undefined) return undefined;
  return await new Promise((resolve) => {
    const child = spawn(NODE, ["-e", PROBE, `${group}/cgroup.procs`], {
      stdio: ["ignore", "pipe", "ignore", inode],
      timeout: PROBE_TIMEOUT,
      killSignal: "SIGKILL",
    });
    let said = "";
    child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString("latin1")));
    child.once("error", () => resolve(undefined));
    child.once("close", (code) => {
      if (code === EXIT_DENIED) resolve(true);
      else resolve(said === "may\n" ? false : undefined);
    });
  });
}

function deviceGroup(pid: number): string | undefined {
  try {
    const groups = readFileSync(`/proc/${pid}/cgroup`, "utf8");
    return deviceCgroup(groups, readFileSync("/proc/self/mountinfo", "utf8"));
  } catch {
    return undefined;
  }
}
