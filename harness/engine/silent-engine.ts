import { readFileSync } from "node:fs";
import { PvhError } from "../errors.ts";
import { privateEngineHost, privateEngineLog, runningPid } from "./private-engine-files.ts";

/** An engine that takes connections and does not answer: stopped, or stuck. */
export function silentEngine(host: string, seconds: number): PvhError {
  const pid = host === privateEngineHost() ? runningPid() : undefined;
  const message = `the engine at ${host} accepts connections and does not answer (${seconds} s)`;
  if (pid === undefined) {
    const hint = "is it stopped, or stuck? kill -CONT its pid wakes a stopped one; else restart it";
    return new PvhError("PVH_ENGINE_SILENT", message, { hint });
  }
  const hint = isStopped(pid)
    ? `its process is stopped: kill -CONT ${pid}`
    : `its process is ${pid}: pvh engine stop ends it, its log is ${privateEngineLog()}`;
  return new PvhError("PVH_ENGINE_SILENT", message, { hint });
}

/** State T of /proc/PID/stat (proc(5)): stopped by a signal. */
function isStopped(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return /^[Tt]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}
