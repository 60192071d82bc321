import { closeFd } from "../../../shared/linux/epoll.ts";
import { passEnd, PolledStream } from "../../../shared/linux/polled-stream.ts";
import { displayError, IMPLEMENTATION } from "../../../shared/protocols/wayland/display-error.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { closeAll, judged, mayReceiveForeign } from "../../planes/foreign-fds.ts";
import type { ForeignFd } from "../../planes/foreign-fds.ts";
import { holdFds, mayHoldMore } from "../../planes/held-fds.ts";
import type { ConsumerConnection } from "../plugin.ts";
import { Fault } from "./fault.ts";
import type { Mediator } from "./mediator.ts";
import { WaylandWay } from "./way.ts";
import type { WayOptions } from "./way.ts";

export type Side = "consumer" | "compositor";

export interface SessionOptions {
  readonly mediator: Mediator;
  readonly quirks: Quirks;
  /** Consumer connection, which tells when the link goes. */
  readonly connection: Pick<ConsumerConnection, "onEnd">;
  /** Called with the number of bytes that have come from a side. */
  readonly onBytes: (from: Side, count: number) => void;
  /** Called once when a side breaks the protocol or asks for what is hidden; the session ends. */
  readonly onFault: (side: Side, fault: Fault) => void;
  /** Called with an error of the broker's own; the session ends. */
  readonly onFailure: (error: unknown) => void;
}

/** Milliseconds that a side has to take what it was sent before the session ended. */
const PARTING_TIMEOUT = 2_000;

/**
 * Bytes that one session judges in a turn of the event loop. More would save system calls, and keep
 * other sessions waiting while one floods.
 */
const TURN = 32 * 1024;

interface Direction {
  readonly from: Side;
  readonly way: WaylandWay;
  readonly source: PolledStream;
  readonly sink: PolledStream;
}

/**
 * One client's connection to the compositor, until both sides have closed. A side is read only
 * while the other takes its messages: at most one read is held for a side that is full.
 */
export class WaylandSession {
  readonly #options: SessionOptions;
  readonly #consumer: PolledStream;
  readonly #compositor: PolledStream;
  readonly #up: Direction;
  readonly #down: Direction;
  readonly #finished = Promise.withResolvers<undefined>();
  /** True once a side has broken the protocol: no further message is judged. */
  #isOver = false;
  #parting: NodeJS.Timeout | undefined;

  /**
   * @param consumer non-blocking socket; owned by the session from here on, as is the compositor
   * @throws SystemCallError ENOSPC, ENOMEM; then both are closed
   */
  constructor(consumer: number, compositor: number, options: SessionOptions) {
    this.#options = options;
    const { mediator } = options;
    [this.#consumer, this.#compositor] = openBoth(consumer, compositor);
    this.#up = this.#direction("consumer", {
      skip: (bytes, at) => mediator.skipRequests(bytes, at),
      judge: (bytes, at, size) => mediator.request(bytes, at, size),
    });
    this.#down = this.#direction("compositor", {
      skip: (bytes, at) => mediator.skipEvents(bytes, at),
      judge: (bytes, at, size) => mediator.event(bytes, at, size),
    });
  }

  /**
   * Carry messages.
   * @returns when both sides are closed; never rejects
   */
  run(): Promise<undefined> {
    for (const one of [this.#up, this.#down]) {
      one.source.handTo({
        onReadable: () => this.#step(() => this.#read(one)),
        onDrained: () => this.#step(() => this.#balance()),
        onGone: () => this.#step(() => this.#balance()),
      });
    }
    this.#options.connection.onEnd(() => this.end());
    return this.#finished.promise;
  }

  /** Close both sides at once. */
  end(): void {
    this.#consumer.close();
    this.#compositor.close();
    this.#finish();
  }

  /** Tell the consumer why, and close both sides behind what they were sent. */
  protected refuse(side: Side, { message, code, object }: Fault): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const error =
      side === "consumer"
        ? displayError(object, code, message)
        : displayError(1, IMPLEMENTATION, `the compositor sent ${message}`);
    this.#consumer.write(error);
    this.#consumer.closeSoon();
    this.#compositor.closeSoon();
    if (this.#consumer.closed && this.#compositor.closed) this.#finish();
    else this.#parting = setTimeout(() => this.end(), PARTING_TIMEOUT);
  }

  #direction(from: Side, rules: Pick<WayOptions, "skip" | "judge">): Direction {
    const [source, sink] =
      from === "consumer" ? [this.#consumer, this.#compositor] : [this.#compositor, this.#consumer];
    const way = new WaylandWay({ ...rules, pass: (bytes, fds) => this.#pass(sink, bytes, fds) });
    return { from, way, source, sink };
  }

  #pass(sink: PolledStream, bytes: Buffer, fds: readonly ForeignFd[]): void {
    const { quirks } = this.#options;
    if (quirks.has("wl-corrupts", "wayland")) bytes[0] = ~(bytes[0] ?? 0);
    const isLost =
      quirks.has("wl-drop-fds", "wayland") ||
      (sink === this.#consumer && quirks.has("wl-drop-event-fds", "wayland"));
    if (fds.length === 0 || isLost) {
      closeAll(fds);
      sink.write(bytes);
      return;
    }
    if (sink.stalled && !mayHoldMore()) {
      closeAll(fds);
      throw new Fault("fds for which the broker has no room", IMPLEMENTATION);
    }
    const holding = holdFds(fds.length);
    sink.write(bytes, {
      fds: fds.map(({ fd }) => fd),
      close: () => {
        closeAll(fds);
        holding[Symbol.dispose]();
      },
    });
  }

  /** Deal with one event; an error in it ends this session and nothing else. */
  #step(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.onFailure(error);
      this.end();
    }
  }

  #read(direction: Direction): void {
    const { from, source } = direction;
    if (this.#isOver || direction.sink.stalled) {
      source.pause();
      return;
    }
    const { rest } = direction.way;
    const bytes = source.read(TURN, rest);
    const fds = judged(source.takeFds());
    if (bytes !== undefined) {
      this.#options.onBytes(from, bytes.length - rest.length);
      this.#judge(direction, bytes, fds);
    }
    this.#balance();
  }

  #judge({ from, way, source }: Direction, bytes: Buffer, fds: readonly ForeignFd[]): void {
    try {
      way.take(bytes, fds);
      if (source.hasLostFds || (fds.length > 0 && !mayReceiveForeign())) {
        throw new Fault("fds for which the broker has no room", IMPLEMENTATION);
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (this.#options.quirks.has("wl-parser-lenient", "wayland")) {
        way.forget();
        return;
      }
      this.#options.onFault(from, error);
      this.refuse(from, error);
    }
  }

  #balance(): void {
    const [consumer, compositor] = [this.#consumer, this.#compositor];
    // Look at `ended` here: an end that came before the session had the stream is not reported
    // again.
    if (consumer.ended) passEnd(consumer, compositor);
    if (compositor.ended) passEnd(compositor, consumer);
    if (consumer.failed || compositor.failed) this.end();
    for (const { source, sink } of [this.#up, this.#down]) {
      if (!this.#isOver && !sink.stalled) source.resume();
    }
    if (consumer.closed && compositor.closed) this.#finish();
  }

  #finish(): void {
    clearTimeout(this.#parting);
    for (const { way } of [this.#up, this.#down]) closeAll(way.takeUnclaimed());
    this.#options.connection.onEnd(undefined);
    // No `letPromisesRun()`: the code that waits for this can wait for the end of the turn.
    this.#finished.resolve(undefined);
  }
}

function openBoth(consumer: number, compositor: number): [PolledStream, PolledStream] {
  let first: PolledStream;
  try {
    first = new PolledStream(consumer, IDLE, { receivesFds: true });
  } catch (error) {
    closeFd(compositor);
    throw error;
  }
  try {
    return [first, new PolledStream(compositor, IDLE, { receivesFds: true })];
  } catch (error) {
    first.close();
    throw error;
  }
}

/** Owner until the session runs: in the turn in which a stream is made, it is told nothing. */
const IDLE = { onReadable: () => undefined, onDrained: () => undefined, onGone: () => undefined };
