/**
 * What `work` resolves with, unless the signal comes first: what never ends must hold nothing up.
 * The work goes on, and nobody hears of it any more.
 */
export function within<T>(
  signal: AbortSignal,
  work: Promise<T>,
  late: () => Error = () => new Error("it took too long"),
): Promise<T> {
  work.catch(() => undefined);
  return Promise.race([
    work,
    new Promise<never>((_resolve, reject) => {
      const abort = (): void => reject(late());
      if (signal.aborted) abort();
      signal.addEventListener("abort", abort, { once: true });
    }),
  ]);
}
