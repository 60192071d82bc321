/**
 * Result of `work`, unless the signal comes first: work that never ends must not block its caller.
 * The work then goes on, and its result is ignored.
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
