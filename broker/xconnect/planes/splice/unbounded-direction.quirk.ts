import { receive, send } from "../../../shared/linux/stream-io.ts";
import { SpliceDirection } from "./direction.ts";

/** A direction that reads everything and keeps what the sink does not take. */
export class UnboundedDirection extends SpliceDirection {
  readonly #kept: Buffer[] = [];

  protected override take(): boolean {
    const { bytes } = this.means.scratch;
    const size = receive(this.source.fd, this.means.scratch, bytes.length);
    if (size <= 0) {
      this.onNothingRead(size);
      return false;
    }
    this.counted(size);
    this.held += size;
    this.#kept.push(Buffer.from(bytes.subarray(0, size)));
    return true;
  }

  protected override give(): boolean {
    const first = this.#kept[0];
    if (first === undefined) return false;
    first.copy(this.means.scratch.bytes);
    const size = send(this.sink.fd, this.means.scratch, 0, first.length);
    if (size <= 0) return this.refused(size);
    this.held -= size;
    if (size === first.length) this.#kept.shift();
    else this.#kept[0] = first.subarray(size);
    return true;
  }
}
