import { shellQuote } from "../shell-quote.ts";
import { BoundedBytes } from "./bounded.ts";

/**
 * The framing of commands over one shell's streams.
 *
 * Each command ends with a marker on stdout and on stderr: a random word that nothing else can
 * contain, so output of any bytes passes unchanged, and on stdout the exit status after it.
 *
 * @param stdin what the command reads; default nothing. Never the shell's own stdin, which
 *              carries the next command.
 */
export function frame(script: string, nonce: string, stdin?: Buffer): string {
  const command = `( eval ${shellQuote(script)} )`;
  const fed =
    stdin === undefined
      ? `${command} </dev/null`
      : `base64 -d <<'${nonce}' | ${command}\n${wrap(stdin.toString("base64"))}\n${nonce}`;
  return `${fed}\nprintf '${nonce}%d;' "$?"; printf '${nonce}' >&2\n`;
}

/** Some shells read here-documents line by line into small buffers. */
function wrap(base64: string): string {
  return base64.replaceAll(/.{1,1000}/g, "$&\n");
}

/** Collects one stream until its marker; what came before it is the command's output. */
export class MarkerReader {
  readonly #marker: Buffer;
  readonly #withStatus: boolean;
  readonly #received = new BoundedBytes(Infinity);
  /** The end of what has arrived, at most one byte shorter than a marker with a status. */
  #tail = Buffer.alloc(0);
  #output: Buffer | undefined;
  #status: number | undefined;

  constructor(nonce: string, withStatus: boolean) {
    this.#marker = Buffer.from(nonce);
    this.#withStatus = withStatus;
  }

  get done(): boolean {
    return this.#output !== undefined;
  }

  /** The command's output, so far while it is not done. */
  get output(): Buffer {
    return this.#output ?? this.#received.bytes();
  }

  /** Bytes that have arrived. */
  get length(): number {
    return this.#received.length;
  }

  get status(): number | undefined {
    return this.#status;
  }

  push(chunk: Buffer): void {
    if (this.done) return;
    this.#received.push(chunk);
    const end = Buffer.concat([this.#tail, chunk]);
    const at = end.indexOf(this.#marker);
    if (at !== -1 && this.#complete(end, at)) return;
    // A status is at most three digits and the semicolon.
    this.#tail = end.subarray(Math.max(0, end.length - this.#marker.length - 4));
  }

  #complete(end: Buffer, at: number): boolean {
    if (this.#withStatus) {
      const after = end.subarray(at + this.#marker.length).toString("latin1");
      const status = /^(\d{1,3});/.exec(after)?.[1];
      if (status === undefined) return false;
      this.#status = Number(status);
    }
    const all = this.#received.bytes();
    this.#output = all.subarray(0, all.length - (end.length - at));
    return true;
  }
}
