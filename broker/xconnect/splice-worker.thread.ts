import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { parseQuirks } from "../quirks/quirks.ts";
import { SpliceLoop } from "./splice-loop.ts";
import type { SpliceCommand, SpliceReport, SpliceWorkerData } from "./splice-messages.ts";

/**
 * The splice worker. It is in epoll_wait most of the time and never in its own event loop:
 * commands are fetched from the port when the eventfd says so; reports go out at once.
 */
const { wake, quirks, limits } = workerData as SpliceWorkerData;
const port = parentPort;
if (port === null) throw new Error("only for a worker thread");

using loop = new SpliceLoop({
  wake,
  limits,
  quirks: parseQuirks(quirks),
  nextCommand: () => receiveMessageOnPort(port)?.message as SpliceCommand | undefined,
  report: (report) => port.postMessage(report),
});
port.postMessage({ kind: "ready" } satisfies SpliceReport);
loop.run();
