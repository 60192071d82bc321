import { rmSync } from "node:fs";
import { bindDatagrams } from "../shared/linux/unix-stream.ts";
import { MessageSocket } from "../shared/linux/message-socket.ts";

/** Takes a message and the pid of its sender, as the kernel tells it. */
export type TakeMessage = (bytes: Buffer, pid: number) => void;

/** Messages before others get their turn. */
const BATCH = 64;

/** A socket to which every process may send datagrams. */
export class LogDatagrams implements Disposable {
  readonly #path: string;
  readonly #take: TakeMessage;
  readonly #socket: MessageSocket;
  #isReading = false;

  constructor(path: string, take: TakeMessage) {
    this.#path = path;
    this.#take = take;
    rmSync(path, { force: true });
    this.#socket = new MessageSocket(bindDatagrams(path, 0o666), "datagram");
    this.#socket.watch(({ readable }) => {
      if (readable) this.#read();
    });
  }

  [Symbol.dispose](): void {
    this.#socket.close();
    rmSync(this.#path, { force: true });
  }

  #read(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    for (let count = 0; count < BATCH; count++) {
      const received = this.#socket.isOpen ? this.#socket.receive({ withFds: false }) : undefined;
      if (received?.type !== "message") {
        this.#isReading = false;
        return;
      }
      this.#take(received.bytes, received.credentials?.pid ?? 0);
    }
    setImmediate(() => {
      this.#isReading = false;
      this.#read();
    });
  }
}
