import { after, ENDING } from "../ending.ts";
import { ENDING_SIGNALS, SIGNAL_EXIT } from "../../reports/exit-codes.ts";
import type { EndingSignal } from "../../reports/exit-codes.ts";

/**
 * Milliseconds within which two signals count as one: the terminal sends Ctrl+C to npm and to
 * pvh, and npm passes it on to pvh once more.
 */
const ECHO = 200;

/** True under nohup(1). The launcher tells, because Node forgets which signals were ignored. */
const NOHUP = process.env["PVH_NOHUP"] === "1";

/**
 * Turn the signals that end pvh into an AbortSignal whose reason is the signal's name. A second
 * signal ends the process at once, and so does the end of the time for cleaning up.
 */
export function endOnSignals(say: (text: string) => void): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  const onSignal = (signal: EndingSignal): void => {
    if (!controller.signal.aborted) {
      first = performance.now();
      say(`\n${signal}: keeping evidence and cleaning up; once more ends at once`);
      controller.abort(signal);
    } else if (performance.now() - first > ECHO) {
      process.exit(SIGNAL_EXIT[signal]);
    }
  };
  for (const signal of ENDING_SIGNALS) {
    process.on(signal, signal === "SIGHUP" && NOHUP ? () => undefined : onSignal);
  }
  const over = after(controller.signal, ENDING.exit);
  over.addEventListener("abort", () => {
    say("pvh: not everything has ended in time; the next pvh removes what is left");
    process.exit(SIGNAL_EXIT[controller.signal.reason as EndingSignal]);
  });
  return controller.signal;
}
