/** Milliseconds a consumer has for a request head, from its first byte. */
export const HEAD_TIMEOUT = 10_000;
/**
 * A kept connection without a request is closed after between one and two of these
 * milliseconds. A request, a response or a tunnel that is under way is never cut.
 */
export const IDLE_CHECK = 150_000;
/** Milliseconds of silence after which a consumer that was given its last byte is cut off. */
export const LINGER = 2_000;
/** Milliseconds a provider has, when all is over, to take what is on its way to it. */
export const DRAIN = 30_000;
/** Milliseconds after which bytes that still arrive, and are thrown away, no longer put that off. */
export const LINGER_IN_ALL = 30_000;
/** Refusals of one connection that are logged, as of a dbus session; all are counted. */
export const LOGGED_REFUSALS = 10;
