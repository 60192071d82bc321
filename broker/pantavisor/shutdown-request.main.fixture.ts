import { writeSync } from "node:fs";
import { shutdownRequest } from "./shutdown-request.ts";

/** A PID 1 whose start takes its time; then it says which shutdown request it has heard. */
writeSync(1, "starting\n");
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
const request = shutdownRequest();
setTimeout(() => {
  writeSync(1, `${request.aborted ? String(request.reason) : "nothing"}\n`);
  process.exit();
}, 50);
