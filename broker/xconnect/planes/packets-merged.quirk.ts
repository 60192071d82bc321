import { closeAll } from "./foreign-fds.ts";
import { MessageDirection } from "./message-direction.ts";
import type { Message } from "./message-direction.ts";

/** A direction that makes one packet of two. */
export class MergingDirection extends MessageDirection {
  /** Packet that waits for the next one. */
  #first: Message | undefined;

  protected override hold(message: Message): void {
    const first = this.#first;
    if (first === undefined) {
      this.#first = { ...message, bytes: Buffer.from(message.bytes) };
      return;
    }
    this.#first = undefined;
    super.hold({
      bytes: Buffer.concat([first.bytes, message.bytes]),
      fds: [...first.fds, ...message.fds],
    });
  }

  protected override sourceEnded(): void {
    if (this.#first !== undefined) super.hold(this.#first);
    this.#first = undefined;
    super.sourceEnded();
  }

  protected override drop(): void {
    closeAll(this.#first?.fds ?? []);
    this.#first = undefined;
    super.drop();
  }
}
