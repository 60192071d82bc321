import { Scratch } from "./stream-io.ts";

/** Pieces up to this many bytes are gathered; larger ones are not worth a copy. */
const LARGEST = 16 * 1024;
const SIZE = 128 * 1024;

/** Bytes gathered by all streams of the thread; each stream with bytes in it has one part. */
export const arena = new Scratch(SIZE);
/** Offset where the arena's free part begins. */
let used = 0;
/** Streams with a part in the arena, in the order in which their parts began. */
const started: WriteBatch[] = [];
let isOpen = false;

/**
 * Run `work`. Bytes that it writes to streams go to the kernel when it ends, those of each stream
 * in one send.
 *
 * A relay spends most of its time in send(2), and most of that in waking the receiver. Sends that
 * follow each other closely wake a receiver only once: the second one finds it awake.
 */
export function batchWrites(work: () => void): void {
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

/** Bytes written to one stream since `batchWrites` began. */
export class WriteBatch {
  readonly #send: (from: number, to: number) => void;
  #from = 0;
  #to = 0;

  /**
   * @param send sends these bytes of the arena; must not throw, since it may run during another
   *        stream's event
   */
  constructor(send: (from: number, to: number) => void) {
    this.#send = send;
  }

  /** @returns false when the caller has to send the bytes itself, now */
  add(bytes: Buffer): boolean {
    if (!this.#makeRoom(bytes.length)) return false;
    used += bytes.copy(arena.bytes, used);
    this.#to = used;
    return true;
  }

  /** As `add`, for text with one byte per character (latin1). */
  addText(text: string): boolean {
    if (!this.#makeRoom(text.length)) return false;
    used += arena.bytes.write(text, used, "latin1");
    this.#to = used;
    return true;
  }

  /** Send this stream's gathered bytes now, before `batchWrites` ends. */
  send(): void {
    const [from, to] = [this.#from, this.#to];
    if (from === to) return;
    this.#from = this.#to;
    this.#send(from, to);
  }

  /**
   * Make room for bytes behind the stream's part: the part grows when it is the last of the arena,
   * and is sent otherwise.
   */
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
  for (const batch of started) batch.send();
  started.length = 0;
  // Free the arena only after all sends: no stream's bytes may land in another's unsent part.
  used = 0;
}
