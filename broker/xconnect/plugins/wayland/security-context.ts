import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { O_DIRECTORY, O_PATH } from "../../../shared/linux/openat2.ts";
import { closePipe, makePipe } from "../../../shared/linux/pipe.ts";
import type { Pipe } from "../../../shared/linux/pipe.ts";
import { PolledStream } from "../../../shared/linux/polled-stream.ts";
import { letPromisesRun } from "../../../shared/linux/stream-loop.ts";
import { connectToInode, listenIn } from "../../../shared/linux/unix-stream.ts";
import { encodeMessage } from "../../../shared/protocols/wayland/encode-message.ts";
import { messageOf } from "../../../shared/message-of.ts";
import { MAX_MESSAGE } from "../../../shared/protocols/wayland/limits.ts";

/**
 * A compositor with security-context-v1 takes a listener from a trusted client: those who connect
 * through it are clients of a sandbox, with the identity that the trusted client says. The broker
 * asks on a connection of its own, before the first session of a link.
 */
const MANAGER_INTERFACE = "wp_security_context_manager_v1";
const VERSION = 1;
const ENGINE = "org.pantavisor";

/** Ids of the objects of the broker's own connection. */
const [DISPLAY, REGISTRY, GLOBALS, MANAGER, CONTEXT, COMMITTED] = [1, 2, 3, 4, 5, 6];
/** Opcodes of requests. */
const [SYNC, GET_REGISTRY, BIND, CREATE_LISTENER] = [0, 1, 0, 1];
const [DESTROY, SET_ENGINE, SET_APP, SET_INSTANCE, COMMIT] = [0, 1, 2, 3, 4];

/** Milliseconds that a compositor has for its answers, and bytes that they may have. */
const PATIENCE = 5_000;
const MAX_ANSWERS = 512 * 1024;
const BACKLOG = 4096;

/** Way to a compositor, by which it knows its clients as those of one container. */
export class SecurityContext implements Disposable {
  readonly #listener: number;
  readonly #alive: number;

  /** @param alive write end of the pipe whose end tells the compositor to listen no more; owned */
  constructor(listener: number, alive: number) {
    this.#listener = listener;
    this.#alive = alive;
  }

  /**
   * @returns a connected non-blocking fd that the caller owns
   * @throws SystemCallError ECONNREFUSED once the compositor has gone
   */
  connect(): number {
    return connectToInode(this.#listener);
  }

  [Symbol.dispose](): void {
    closeSync(this.#listener);
    closeSync(this.#alive);
  }
}

/** Identity of a link's sessions. */
export interface ContextIdentity {
  /** Name of the container. */
  readonly app: string;
  /** Name of the service. */
  readonly instance: string;
}

/**
 * Ask a compositor for a security context.
 * @param fd connection to it, owned from here on
 * @returns undefined when it offers none
 * @throws Error when it does not answer, or offers one and does not give it
 */
export function askForContext(
  fd: number,
  identity: ContextIdentity,
): Promise<SecurityContext | undefined> {
  return new Promise((resolve, reject) => {
    const request = new ContextRequest(fd, identity, (outcome) => {
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
      letPromisesRun();
    });
    request.start();
  });
}

type Outcome = SecurityContext | undefined | Error;

class ContextRequest {
  readonly #stream: PolledStream;
  readonly #identity: ContextIdentity;
  readonly #tell: (outcome: Outcome) => void;
  #late: NodeJS.Timeout | undefined;
  #rest: Buffer = Buffer.alloc(0);
  #count = 0;
  #manager: number | undefined;
  #context: SecurityContext | undefined;
  #isOver = false;

  constructor(fd: number, identity: ContextIdentity, tell: (outcome: Outcome) => void) {
    this.#identity = identity;
    this.#tell = tell;
    this.#stream = new PolledStream(fd, {
      onReadable: () => this.#read(),
      onDrained: () => undefined,
      onGone: () => this.#fail("has gone"),
    });
  }

  start(): void {
    this.#late = setTimeout(() => this.#fail("does not answer"), PATIENCE);
    this.#stream.write(encodeMessage(DISPLAY, GET_REGISTRY, REGISTRY));
    this.#stream.write(encodeMessage(DISPLAY, SYNC, GLOBALS));
  }

  #read(): void {
    const bytes = this.#stream.read(MAX_MESSAGE, this.#rest);
    if (bytes !== undefined) {
      this.#count += bytes.length - this.#rest.length;
      this.#takeAll(bytes);
    }
    if (this.#stream.ended) this.#fail("has gone");
    if (this.#count > MAX_ANSWERS) this.#fail("sends too much");
  }

  #takeAll(bytes: Buffer): void {
    let at = 0;
    while (bytes.length - at >= 8 && !this.#isOver) {
      const size = bytes.readUInt16LE(at + 6);
      if (size < 8 || size > MAX_MESSAGE) this.#fail(`sends a message of ${size} bytes`);
      else if (bytes.length - at < size) break;
      else this.#take(bytes.subarray(at, at + size));
      at += size;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  /** One event: a global, the end of the globals, the compositor's consent, or an error. */
  #take(event: Buffer): void {
    const [object, opcode] = [event.readUInt32LE(0), event.readUInt16LE(4)];
    if (opcode !== 0) return;
    if (object === REGISTRY && event.length >= 20) {
      const name = event.toString("latin1", 16, 16 + MANAGER_INTERFACE.length + 1);
      if (name === `${MANAGER_INTERFACE}\0`) this.#manager = event.readUInt32LE(8);
    } else if (object === GLOBALS && this.#manager !== undefined && this.#context === undefined) {
      this.#create(this.#manager);
    } else if (object === GLOBALS || object === COMMITTED) {
      this.#end(this.#context);
    } else if (object === DISPLAY) {
      this.#fail("refuses it");
    }
  }

  #create(manager: number): void {
    const made = this.#listen();
    if (made === undefined) return;
    const { listener, pipe } = made;
    const { app, instance } = this.#identity;
    this.#stream.write(encodeMessage(REGISTRY, BIND, manager, MANAGER_INTERFACE, VERSION, MANAGER));
    this.#stream.write(encodeMessage(MANAGER, CREATE_LISTENER, CONTEXT), {
      fds: [listener, pipe.read],
      close: () => {
        closeSync(listener);
        closeSync(pipe.read);
      },
    });
    for (const [opcode, text] of [
      [SET_ENGINE, ENGINE],
      [SET_APP, app],
      [SET_INSTANCE, instance],
    ] as const) {
      this.#stream.write(encodeMessage(CONTEXT, opcode, text));
    }
    this.#stream.write(encodeMessage(CONTEXT, COMMIT));
    this.#stream.write(encodeMessage(CONTEXT, DESTROY));
    this.#stream.write(encodeMessage(DISPLAY, SYNC, COMMITTED));
  }

  /** @returns undefined when this machine has no room for it; then the request has failed */
  #listen(): { readonly listener: number; readonly pipe: Pipe } | undefined {
    let pipe: Pipe | undefined;
    try {
      pipe = makePipe(4096);
      const { listener, inode } = listenPrivately();
      this.#context = new SecurityContext(inode, pipe.write);
      return { listener, pipe };
    } catch (error) {
      if (pipe !== undefined) closePipe(pipe);
      this.#fail(`the broker cannot listen: ${messageOf(error)}`);
      return undefined;
    }
  }

  #fail(what: string): void {
    if (this.#isOver) return;
    this.#context?.[Symbol.dispose]();
    this.#end(new Error(`the compositor was asked for a security context, and ${what}`));
  }

  #end(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#late);
    this.#stream.close();
    this.#tell(outcome);
  }
}

/** A listening socket that has no name any more: who has its inode can connect, nobody else. */
function listenPrivately(): { readonly listener: number; readonly inode: number } {
  const folder = mkdtempSync(join(tmpdir(), "pvx-context-"));
  let directory: number | undefined;
  try {
    directory = openSync(folder, O_PATH | O_DIRECTORY);
    const listener = listenIn(directory, "s", 0o600, BACKLOG);
    try {
      return { listener, inode: openSync(join(folder, "s"), O_PATH) };
    } catch (error) {
      closeSync(listener);
      throw error;
    }
  } finally {
    if (directory !== undefined) closeSync(directory);
    rmSync(folder, { recursive: true });
  }
}
