import { ENDING_SIGNALS } from "../../reports/exit-codes.ts";

/**
 * Do something that may want to hear of the signals that end pvh, and let it hear of none: vitest
 * would end the process, and a run has its own way to end. Not even for a moment: to load vitest
 * takes seconds on a busy machine.
 */
export async function withoutSignalListeners<T>(body: () => Promise<T>): Promise<T> {
  const remove = (event: string | symbol, listener: (...args: unknown[]) => void): void => {
    if (!ENDING_SIGNALS.some((signal) => signal === event)) return;
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
