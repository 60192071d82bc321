import { letPromisesRun } from "../../../shared/linux/stream-loop.ts";
import { messageOf } from "../../../shared/message-of.ts";
import { DeviceState } from "../../../shared/protocols/input/device-state.ts";
import { FrameReader } from "../../../shared/protocols/input/frame-reader.ts";
import type { Run } from "../../../shared/protocols/input/frame-reader.ts";

/** A reader of a source's events: one session of a consumer, or its device. */
export interface EventReader {
  /** The source is open. @param state of the device, kept up to date from now on */
  begin(state: DeviceState): void;
  /** @param frames what happened next; `state` follows after all readers have had it */
  take(frames: Buffer): void;
  /** Events were lost on the way here. @param told the state before that */
  resynchronise(told: DeviceState): void;
  /** No more events come. @param why the fault, unless the provider has just ended */
  end(why: Error | undefined): void;
}

/** The provider's side of a source. */
export interface EventOrigin {
  close(): void;
}

export interface OriginOwner {
  /** @param bytes of frames, on loan */
  onBytes(bytes: Buffer): void;
  onEnd(why: Error | undefined): void;
}

/** Opens the provider's side; state that it tells meanwhile is there before any reader begins. */
export type OpenOrigin = (
  owner: OriginOwner,
  signal: AbortSignal,
) => EventOrigin | Promise<EventOrigin>;

/**
 * One device of a provider, read once for all its readers: a grabbed node has only one reader, and a
 * reader that comes later needs the state. It is open while it has readers.
 *
 * A reader that does not read costs the others nothing: events are never held back for it.
 */
export class InputSource implements OriginOwner {
  readonly #state = new DeviceState();
  readonly #frames = new FrameReader();
  readonly #own = new Set<EventReader>();
  readonly #leaving = new AbortController();
  readonly #onClosed: () => void;
  #origin: EventOrigin | undefined;
  #isOpen = false;
  #hasEnded = false;
  /** The state before events were lost, until the provider tells it anew. */
  #told: DeviceState | undefined;

  constructor(open: OpenOrigin, onClosed: () => void) {
    this.#onClosed = onClosed;
    letPromisesRun();
    void this.#start(open);
  }

  join(reader: EventReader): void {
    this.#own.add(reader);
    if (this.#isOpen) reader.begin(this.#state);
  }

  leave(reader: EventReader): void {
    this.#own.delete(reader);
    if (this.#own.size === 0) this.onEnd(undefined);
  }

  onBytes(bytes: Buffer): void {
    try {
      for (const run of this.#frames.push(bytes)) {
        if (!this.#hasEnded) this.#take(run);
      }
    } catch (error) {
      this.onEnd(new Error(`${messageOf(error)} from the provider`, { cause: error }));
    }
  }

  onEnd(why: Error | undefined): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#leaving.abort();
    this.#origin?.close();
    this.#onClosed();
    const isCut = why === undefined && this.#frames.isInFrame && this.#own.size > 0;
    const fault = isCut ? new Error("the provider ended within a frame") : why;
    for (const reader of this.#own) reader.end(fault);
  }

  /** The readers that get its events. */
  protected get readers(): Iterable<EventReader> {
    return this.#own;
  }

  async #start(open: OpenOrigin): Promise<void> {
    try {
      const origin = await open(this, this.#leaving.signal);
      this.#origin = origin;
      if (this.#hasEnded) origin.close();
      else this.#begin();
    } catch (error) {
      this.onEnd(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #begin(): void {
    this.#isOpen = true;
    for (const reader of this.#own) reader.begin(this.#state);
  }

  #take({ kind, bytes }: Run): void {
    if (kind === "dropped") {
      this.#told ??= this.#state.copy();
      this.#state.forget();
      return;
    }
    const told = this.#told;
    const isState = kind === "state" && told !== undefined;
    if (this.#isOpen && !isState) for (const reader of this.readers) reader.take(bytes);
    this.#state.apply(bytes);
    if (!isState) return;
    this.#told = undefined;
    if (this.#isOpen) for (const reader of this.readers) reader.resynchronise(told);
  }
}
