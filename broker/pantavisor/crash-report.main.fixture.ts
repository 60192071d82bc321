import { EventEmitter } from "node:events";
import { writeSync } from "node:fs";
import { CrashReport, crashOnStrayErrors } from "./crash-report.ts";
import { openPantavisorLog } from "./pantavisor-log.ts";

/** Crashes in the way that its first argument names; the second is its log folder. */
const [, , way, folder = ""] = process.argv;
const report = new CrashReport((text) => writeSync(2, text));
crashOnStrayErrors(report);
report.writeTo(openPantavisorLog(folder));
setTimeout(() => {
  if (way === "throws") throw new Error("stray");
  if (way === "rejects") void Promise.reject(new Error("stray"));
  if (way === "emits") new EventEmitter().emit("error", new Error("stray"));
  if (way === "throws nothing") throw Object.create(null);
}, 1);
// This timer would keep the process alive if the crash did not end it.
setTimeout(() => process.exit(1), 60_000);
