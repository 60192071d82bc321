import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { parseQuirks } from "../../../shared/quirks/quirks.ts";
import { openFiles } from "../open-files.ts";
import { SessionBudget } from "../session-budget.ts";
import { SpliceLoop } from "./loop.ts";
import type { SpliceCommand, SpliceWorkerData } from "./messages.ts";

/**
 * The splice worker. It spends its time in epoll_wait and never enters Node's event loop: it
 * fetches commands from the port when the eventfd is readable, and sends reports at once.
 */
const { wake, promised, ...data } = workerData as SpliceWorkerData;
const quirks = parseQuirks(data.quirks);
const port = parentPort;
if (port === null) throw new Error("only for a worker thread");

using loop = new SpliceLoop({
  wake,
  quirks,
  budget: new SessionBudget(openFiles(), quirks, promised),
  nextCommand: () => receiveMessageOnPort(port)?.message as SpliceCommand | undefined,
  report: (report) => port.postMessage(report),
});
loop.run();
