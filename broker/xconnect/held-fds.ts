/**
 * Descriptors of messages that a sink has no room for are held until it reads. A session holds
 * those of one message and direction, 253; many sessions with sides that do not read would take
 * all descriptors that there are, and links of others could neither be accepted nor be passed a
 * descriptor. Beyond this many, of all sessions together, a message is received only when its
 * sink has room for it.
 */
const MAX_HELD = 512;
let held = 0;

/** @returns what ends the holding */
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
