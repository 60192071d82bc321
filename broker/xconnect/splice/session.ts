import type { Quirks } from "../../quirks/quirks.ts";
import { BYTES_DOWN, BYTES_UP } from "./counters.ts";
import type { SpliceCounters } from "./counters.ts";
import { SpliceDirection } from "./direction.ts";
import type { SpliceMeans } from "./direction.ts";
import { SpliceEnd } from "./end.ts";
import type { EventTable } from "./event-table.ts";
import { UnboundedDirection } from "./unbounded-direction.ts";

/**
 * How long the quirk no-half-close keeps a session after the first EOF (docs/pantavisor.md §6.4).
 */
const LINGER = 60_000;

export interface SpliceSurroundings extends SpliceMeans {
  readonly events: EventTable;
  readonly quirks: Quirks;
  /** The session has more to do when the others have had their turn. */
  again(session: SpliceSession): void;
  /** Call `pump` of the session in so many milliseconds. */
  later(session: SpliceSession, milliseconds: number): void;
}

/**
 * A consumer's connection and its provider's.
 *
 *     both open ──EOF of one side, its bytes delivered──▶ half open ──EOF of the other──▶ closed
 *
 * A side that has gone altogether (hang-up) is a direction that is over: its EOF still follows
 * its bytes, and the other side's writer gets EPIPE, as it would without the broker.
 */
export class SpliceSession {
  readonly #consumer: SpliceEnd;
  readonly #provider: SpliceEnd;
  readonly #up: SpliceDirection;
  readonly #down: SpliceDirection;
  readonly #surroundings: SpliceSurroundings;
  readonly #onClosed: (error?: unknown) => void;
  #lingersUntil = 0;
  #isClosed = false;

  /**
   * Owns both descriptors.
   * @param onClosed called once, with what went wrong in the broker itself
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
    // Who has connected has usually sent something; a provider answers.
    this.#consumer = new SpliceEnd(consumer, true, events, onReady);
    this.#provider = new SpliceEnd(provider, false, events, onReady);
    const kind = quirks.has("unbounded-buffer") ? UnboundedDirection : SpliceDirection;
    this.#up = new kind(this.#consumer, this.#provider, surroundings, counters, BYTES_UP);
    this.#down = new kind(this.#provider, this.#consumer, surroundings, counters, BYTES_DOWN);
  }

  /** Carry what is there already, and from then on what comes. Never throws. */
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

  /** Carry what can be carried now. Never throws. */
  pump(): void {
    if (this.#isClosed) return;
    try {
      const upGoesOn = this.#up.pump();
      const downGoesOn = this.#down.pump();
      // Closing says all that shutting down would.
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

  /** At once, whatever is under way. */
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
    if (direction.isOver || direction.isCutOff) return true;
    if (!direction.isDrained) return false;
    return !(this.#surroundings.quirks.has("no-half-close") && this.#isHeldBack());
  }

  #passEnd(direction: SpliceDirection): void {
    if (direction.isOver || !this.#hasFinished(direction)) return;
    if (direction.isCutOff) direction.giveUp();
    else direction.passEnd();
    if (this.#surroundings.quirks.has("early-close")) this.close();
  }

  /** Quirk no-half-close: nobody learns of an EOF until both have sent one, or the linger. */
  #isHeldBack(): boolean {
    if (this.#up.hasEnded && this.#down.hasEnded) return false;
    const now = performance.now();
    if (this.#lingersUntil === 0) {
      this.#lingersUntil = now + LINGER;
      this.#surroundings.later(this, LINGER);
    }
    return now < this.#lingersUntil;
  }
}
