import type { FdType } from "../../shared/formats/fd-types.ts";
import type { MessageSocket } from "../../shared/linux/message-socket.ts";
import type { Readiness } from "../../shared/linux/readiness.ts";
import { messageOf } from "../../shared/message-of.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { MessageDirection, Violation } from "./message-direction.ts";
import type { MessageIdentity } from "./message-direction.ts";
import { MergingDirection } from "./packets-merged.quirk.ts";

export interface MessagePlaneOptions {
  readonly signal: AbortSignal;
  /** Fd types that may pass in both directions. */
  readonly allowed: ReadonlySet<FdType>;
  readonly quirks: Quirks;
  /** Line or packet that is sent to the provider before anything of the consumer's. */
  readonly greeting?: Buffer | undefined;
  readonly identity?: MessageIdentity | undefined;
  /**
   * Called once with the reason why a session was cut: "an fd of type directory from the consumer".
   */
  readonly onViolation: (what: string) => void;
  /** Called with the number of bytes of each message and the counter to add them to. */
  readonly count: (counter: "bytesFromConsumer" | "bytesToConsumer", bytes: number) => void;
}

/**
 * Carry messages with their fds between a consumer and a provider, both ways, until both
 * directions have ended.
 *
 * - fds stay at their bytes, packets stay packets, and an end is passed on as a half-close behind
 *   the messages before it.
 * - While a side does not read, the other is not read from: at most one chunk or packet is held per
 *   direction.
 * - When a side closes for good, its earlier messages are delivered, and the other's writes fail
 *   with EPIPE, as without the broker.
 * - A message with an fd that may not pass, or a packet that is too long, is not delivered, and
 *   both sides are closed.
 * - The signal ends the session at once.
 *
 * @param consumer owned from now on and closed at the end, as is the provider
 * @returns when both are closed; never rejects
 */
export async function proxyMessages(
  consumer: MessageSocket,
  provider: MessageSocket,
  options: MessagePlaneOptions,
): Promise<void> {
  const { signal, allowed, quirks, greeting, identity, count } = options;
  const ended = Promise.withResolvers<undefined>();
  const common = { allowed, quirks };
  const merges = consumer.type === "seqpacket" && quirks.has("packets-merged", "unix");
  const kind = merges ? MergingDirection : MessageDirection;
  const up = new kind({
    ...common,
    source: consumer,
    sink: provider,
    preamble: greeting,
    identity,
    onBytes: (bytes) => count("bytesFromConsumer", bytes),
  });
  const down = new kind({
    ...common,
    source: provider,
    sink: consumer,
    onBytes: (bytes) => count("bytesToConsumer", bytes),
  });

  const end = () => {
    up.close();
    down.close();
    consumer.close();
    provider.close();
    ended.resolve(undefined);
  };
  const fail = (error: unknown, side: string) => {
    end();
    options.onViolation(describe(error, side));
  };
  const run = (direction: MessageDirection) => {
    if (!consumer.isOpen) return;
    try {
      const next = direction.pump();
      if (up.isDone && down.isDone) end();
      else if (next === "again") setImmediate(run, direction);
    } catch (error) {
      fail(error, direction === up ? "consumer" : "provider");
    }
  };
  const attend = (from: MessageDirection, into: MessageDirection) => (ready: Readiness) => {
    if (ready.hungUp) into.breakOff();
    if (ready.readable || into.isDone) run(from);
    if (ready.writable) run(into);
  };

  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  else {
    // The first edges come at once and report all that is ready already.
    try {
      consumer.watch(attend(up, down));
      provider.watch(attend(down, up));
    } catch (error) {
      fail(error, "broker");
    }
  }
  await ended.promise;
  signal.removeEventListener("abort", end);
}

function describe(error: unknown, side: string): string {
  const what = messageOf(error);
  return error instanceof Violation ? `${what} from the ${side}` : `${what} (${side})`;
}
