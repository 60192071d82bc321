import { ENDING_SIGNALS } from "../../reports/exit-codes.ts";

/** Events by which a listener of vitest ends the process. */
const ENDING_EVENTS: readonly (string | symbol)[] = [...ENDING_SIGNALS, "unhandledRejection"];

/**
 * Do something that may want to hear of the signals that end pvh, or of rejections that nothing
 * handles, and let it hear of none: vitest would end the process without a report, and a run has
 * its own way to end. Not even for a moment: to load vitest takes seconds on a busy machine.
 */
export async function withoutEndingListeners<T>(body: () => Promise<T>): Promise<T> {
  const remove = (event: string | symbol, listener: (...args: unknown[]) => void): void => {
    if (!ENDING_EVENTS.includes(event)) return;
    // It is told before the listener is added; no signal is delivered before the microtasks.
    queueMicrotask(() => process.removeListener(event, listener));
  };
  process.on("newListener", remove);
  try {
    return await body();
  } finally {
    process.off("newListener", remove);
  }
}
