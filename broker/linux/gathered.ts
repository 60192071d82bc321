import { Scratch } from "./stream-io.ts";

/** Pieces up to this many bytes are gathered; larger ones are not worth a copy. */
const LARGEST = 16 * 1024;
const SIZE = 128 * 1024;

/** Of the whole thread; each stream with bytes in it has one part. */
export const arena = new Scratch(SIZE);
/** Where its free part begins. */
let used = 0;
/** In the order in which they began. */
const started: Gathered[] = [];
let isOpen = false;

/**
 * Do `work`; what streams are written meanwhile goes to the kernel at its end, each stream's in
 * one send.
 *
 * To send is what a relay spends its time with, and most of that is to wake whoever waits for
 * the bytes. Peers that are sent to right after each other are mostly woken once: the second
 * send finds them awake.
 */
export function together(work: () => void): void {
  if (isOpen) {
    work();
    return;
  }
  isOpen = true;
  try {
    work();
  } finally {
    isOpen = false;
    sendAll();
  }
}

/** What one stream was written since `together` began. */
export class Gathered {
  readonly #send: (from: number, to: number) => void;
  #from = 0;
  #to = 0;

  /**
   * @param send takes these bytes of the arena; must not throw: it sends for another stream's
   *        event
   */
  constructor(send: (from: number, to: number) => void) {
    this.#send = send;
  }

  /** @returns false when the bytes are to be sent by themselves, now */
  add(bytes: Buffer): boolean {
    if (!this.#makeRoom(bytes.length)) return false;
    used += bytes.copy(arena.bytes, used);
    this.#to = used;
    return true;
  }

  /** As `add`; one byte per character (latin1). */
  addText(text: string): boolean {
    if (!this.#makeRoom(text.length)) return false;
    used += arena.bytes.write(text, used, "latin1");
    this.#to = used;
    return true;
  }

  /** Send what there is, ahead of its time. */
  send(): void {
    const [from, to] = [this.#from, this.#to];
    if (from === to) return;
    this.#from = this.#to;
    this.#send(from, to);
  }

  /** Behind the stream's own part, which grows in place or is sent. */
  #makeRoom(length: number): boolean {
    const mayGrow = this.#from !== this.#to && this.#to === used;
    if (!mayGrow) this.send();
    if (!isOpen || length > LARGEST) {
      this.send();
      return false;
    }
    if (used + length > SIZE) sendAll();
    else if (mayGrow) return true;
    this.#from = this.#to = used;
    started.push(this);
    return true;
  }
}

function sendAll(): void {
  for (const gathered of started) gathered.send();
  started.length = 0;
  // Only now: bytes of one stream must never be in another's part.
  used = 0;
}
