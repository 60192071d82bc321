/**
 * The wish to end: aborted with the name of the first SIGTERM or SIGINT. Listening starts at
 * once, because PID 1 is not even told of signals that it has no handler for.
 */
export function shutdownRequest(): AbortSignal {
  const request = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => request.abort(signal));
  }
  return request.signal;
}
