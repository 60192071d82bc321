import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { BYTES_DOWN, BYTES_UP } from "./counters.ts";
import type { SpliceCounters } from "./counters.ts";
import { SpliceDirection } from "./direction.ts";
import type { SpliceMeans } from "./direction.ts";
import { SessionSocket } from "./session-socket.ts";
import type { EventTable } from "./event-table.ts";
import { EndHold } from "./no-half-close.quirk.ts";
import { UnboundedDirection } from "./unbounded-direction.quirk.ts";

export interface SpliceSurroundings extends SpliceMeans {
  readonly events: EventTable;
  readonly quirks: Quirks;
  /** Call `pump` of the session again after the other sessions have had their turn. */
  again(session: SpliceSession): void;
  /** Call `pump` of the session after `milliseconds`. */
  later(session: SpliceSession, milliseconds: number): void;
}

/**
 * A session: the consumer's connection and the one to its provider.
 *
 *     both open ──EOF of one side, its bytes delivered──▶ half open ──EOF of the other──▶ closed
 *
 * When a side has gone altogether (hang-up), the direction to it is over: the other side's writes
 * fail with EPIPE, as they would without the broker. The bytes that it sent before, and then its
 * EOF, are still passed on.
 */
export class SpliceSession {
  readonly #consumer: SessionSocket;
  readonly #provider: SessionSocket;
  readonly #up: SpliceDirection;
  readonly #down: SpliceDirection;
  readonly #surroundings: SpliceSurroundings;
  readonly #onClosed: (error?: unknown) => void;
  readonly #hold: EndHold | undefined;
  readonly #dropsHeld: boolean;
  #isClosed = false;

  /**
   * The session owns both descriptors.
   * @param onClosed called once, with the error if one occurred in the broker itself
   */
  constructor(
    { consumer, provider }: { readonly consumer: number; readonly provider: number },
    counters: SpliceCounters,
    surroundings: SpliceSurroundings,
    onClosed: (error?: unknown) => void,
  ) {
    const { events, quirks } = surroundings;
    this.#surroundings = surroundings;
    this.#onClosed = onClosed;
    const onReady = () => this.pump();
    // A consumer has usually sent bytes when it is accepted; a provider first waits for them.
    this.#consumer = new SessionSocket(consumer, true, events, onReady);
    this.#provider = new SessionSocket(provider, false, events, onReady);
    const kind = quirks.has("unbounded-buffer") ? UnboundedDirection : SpliceDirection;
    this.#up = new kind(this.#consumer, this.#provider, surroundings, counters, BYTES_UP);
    this.#down = new kind(this.#provider, this.#consumer, surroundings, counters, BYTES_DOWN);
    this.#dropsHeld = quirks.has("end-drops-held");
    if (quirks.has("no-half-close")) {
      this.#hold = new EndHold((wait) => surroundings.later(this, wait));
    }
  }

  /** Carry the bytes that are there, then watch both sockets. Never throws. */
  start(): void {
    this.pump();
    if (this.#isClosed) return;
    try {
      this.#provider.watch();
      this.#consumer.watch();
    } catch (error) {
      this.close(error);
    }
  }

  /** Carry all bytes that can be carried now. Never throws. */
  pump(): void {
    if (this.#isClosed) return;
    try {
      const upGoesOn = this.#up.pump();
      const downGoesOn = this.#down.pump();
      if (this.#dropsHeld && this.#up.hasEnded && this.#down.hasEnded) {
        this.close();
        return;
      }
      // Close both sockets: that tells the peers all that shutdown(2) would.
      if (this.#hasFinished(this.#up) && this.#hasFinished(this.#down)) {
        this.close();
        return;
      }
      this.#passEnd(this.#up);
      this.#passEnd(this.#down);
      if (upGoesOn || downGoesOn) this.#surroundings.again(this);
    } catch (error) {
      this.close(error);
    }
  }

  /** Close the session at once, even with bytes in flight. */
  close(error?: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#up.letGo();
    this.#down.letGo();
    this.#consumer.close();
    this.#provider.close();
    this.#onClosed(error);
  }

  #hasFinished(direction: SpliceDirection): boolean {
    if (direction.isOver) return true;
    if (direction.isCutOff) return !this.#surroundings.quirks.has("abandoned-kept");
    if (!direction.isDrained) return false;
    return this.#hold?.keeps(this.#up.hasEnded && this.#down.hasEnded) !== true;
  }

  #passEnd(direction: SpliceDirection): void {
    if (direction.isOver || !this.#hasFinished(direction)) return;
    if (direction.isCutOff) direction.giveUp();
    else direction.passEnd();
    if (this.#surroundings.quirks.has("early-close")) this.close();
  }
}
