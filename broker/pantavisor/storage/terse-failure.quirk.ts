import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Progress } from "./step-progress.ts";

const LINE = /^\[(\S+)\] (\d+) (ERROR|WARN)\t -- \[(\S+)\]: (.*)$/;
const STOPPED = /^(\(\S+ )?(platform '[^']*') suddenly stopped.*/;
const TORN_DOWN = /platform '[^']*' (did not work as expected\. Tearing down\.\.\.)$/;

/**
 * A failed update as 029-32 records it (docs/pantavisor.md §5.4): without the container, at 100 %,
 * and with its errors as lines of JSON.
 * @param logFolder of the revision that failed
 */
export function terseFailure(failed: Progress, logFolder: string): Progress {
  const [message = ""] = failed["status-msg"].split(":");
  const lines = readFileSync(join(logFolder, "pantavisor/pantavisor.log"), "utf8").split("\n");
  const logs = lines.flatMap((line) => {
    const [, platform, seconds, level, src, text = ""] = LINE.exec(line) ?? [];
    const isStop = STOPPED.test(text);
    if (platform === undefined || (level === "WARN" && !isStop)) return [];
    const msg = text.replace(STOPPED, "$1$2 is not running").replace(TORN_DOWN, "a platform $1");
    return `${JSON.stringify({ tsec: Number(seconds), tnano: 0, platform, lvl: "ERROR", src, msg })}\n`;
  });
  return { ...failed, "status-msg": message, progress: 100, logs: logs.join("") };
}
