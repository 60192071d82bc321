import { EPOLLIN, closeFd } from "../../../shared/linux/epoll.ts";
import { SystemCallError } from "../../../shared/linux/errno.ts";
import {
  NATIVE_EVENT_SIZE,
  grabDevice,
  readDevice,
  readDeviceState,
  revokeDevice,
  useMonotonicTimes,
} from "../../../shared/linux/evdev.ts";
import { EAGAIN, EINTR, ENODEV, Scratch } from "../../../shared/linux/stream-io.ts";
import { streamLoop } from "../../../shared/linux/stream-loop.ts";
import {
  DROPPED_FRAME,
  EVENT_SIZE,
  REPORT,
  encodeEvents,
  isDropped,
  lastTime,
} from "../../../shared/protocols/input/input-event.ts";
import {
  SMALL_EVENT_SIZE,
  fromSmallEvents,
} from "../../../shared/protocols/input/native-events.ts";
import type { EventOrigin, OriginOwner } from "./input-source.ts";

/** Events of one read. */
const READ_EVENTS = 256;
/** Most reads that make room after an overflow: the kernel's buffer holds fewer events. */
const MOST_STALE_READS = 64;

const incoming = new Scratch(READ_EVENTS * NATIVE_EVENT_SIZE);

/**
 * A provider's event node, as a provider's socket would tell it: the state first, and after a
 * SYN_DROPPED, for which the kernel wants to be asked, the state again.
 */
export class NodeOrigin implements EventOrigin {
  readonly #fd: number;
  readonly #owner: OriginOwner;
  #token: number | undefined;

  /**
   * @param fd owned by the origin from now on
   * @throws SystemCallError EBUSY when somebody else has grabbed the device, …
   */
  constructor(fd: number, owner: OriginOwner, { grab }: { readonly grab: boolean }) {
    this.#fd = fd;
    this.#owner = owner;
    try {
      if (grab) grabDevice(fd);
      quietly(() => useMonotonicTimes(fd));
      this.#tellState();
      this.#token = streamLoop().add(fd, EPOLLIN, () => this.#onReadable());
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  }

  close(): void {
    if (this.#token === undefined) return;
    streamLoop().remove(this.#fd, this.#token);
    this.#token = undefined;
    quietly(() => revokeDevice(this.#fd));
    closeFd(this.#fd);
  }

  #onReadable(): void {
    const events = this.#read();
    if (typeof events !== "number") this.#take(events);
    else if (events === ENODEV) this.#owner.onEnd(undefined);
    else if (events !== EAGAIN && events !== EINTR) {
      this.#owner.onEnd(new SystemCallError("read", -events));
    }
  }

  #take(events: Buffer): void {
    if (!holdsDropped(events)) {
      this.#owner.onBytes(events);
      return;
    }
    // Queued events are older than the state that the kernel tells now.
    for (let reads = 0; reads < MOST_STALE_READS; reads += 1) {
      if (typeof this.#read() === "number") break;
    }
    this.#owner.onBytes(encodeEvents(DROPPED_FRAME, lastTime(events)));
    this.#tellState(lastTime(events));
  }

  #tellState(time?: Buffer): void {
    this.#owner.onBytes(encodeEvents([...readDeviceState(this.#fd), REPORT], time));
  }

  /** @returns whole events, on loan until the next read of any node; the negative errno without any */
  #read(): Buffer | number {
    const count = readDevice(this.#fd, incoming, incoming.bytes.length);
    if (count <= 0) return count === 0 ? ENODEV : count;
    const native = incoming.bytes.subarray(0, count);
    return NATIVE_EVENT_SIZE === SMALL_EVENT_SIZE ? fromSmallEvents(native) : native;
  }
}

function holdsDropped(events: Buffer): boolean {
  for (let at = 0; at < events.length; at += EVENT_SIZE) if (isDropped(events, at)) return true;
  return false;
}

/** For requests that a device may fail: one that has gone, or has no other clock. */
function quietly(request: () => void): void {
  try {
    request();
  } catch {
    // It is read without, or not at all.
  }
}
