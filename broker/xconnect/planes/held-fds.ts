/**
 * Most descriptors that all sessions together hold for sinks that do not read. A session holds
 * those of one message per direction, up to 253, so many such sessions could take all descriptors
 * of the broker, and other links could neither accept connections nor pass fds. Beyond this number
 * a message is received only when its sink has room for it.
 */
const MAX_HELD = 512;
let held = 0;

/** @returns a handle; disposing of it ends the holding */
export function holdFds(count: number): Disposable {
  held += count;
  return {
    [Symbol.dispose]: () => {
      held -= count;
    },
  };
}

export function mayHoldMore(): boolean {
  return held < MAX_HELD;
}
