import { writeSync } from "node:fs";
import type { DeviceDescription } from "../../../shared/linux/evdev.ts";
import { NATIVE_EVENT_SIZE } from "../../../shared/linux/evdev.ts";
import type { UinputDevice } from "../../../shared/linux/uinput.ts";
import type { DeviceState } from "../../../shared/protocols/input/device-state.ts";
import type { EventFilter } from "../../../shared/protocols/input/event-filter.ts";
import { EV_ABS, encodeEvents } from "../../../shared/protocols/input/input-event.ts";
import { SMALL_EVENT_SIZE, toSmallEvents } from "../../../shared/protocols/input/native-events.ts";
import type { EventReader } from "./input-source.ts";

export interface DeviceReaderOptions {
  readonly filter: EventFilter;
  /** Called once, when the device is no more. */
  readonly onClosed: (why: Error | undefined) => void;
}

/**
 * A device of the broker's own, whose node only the consumer has. The kernel keeps a buffer for each
 * of its readers, tells them of an overflow, and answers for its state.
 */
export class DeviceReader implements EventReader {
  readonly #device: UinputDevice;
  readonly #options: DeviceReaderOptions;
  #state: DeviceState | undefined;
  #isOpen = true;

  /** @param device owned by the reader from now on */
  constructor(device: UinputDevice, options: DeviceReaderOptions) {
    this.#device = device;
    this.#options = options;
  }

  begin(state: DeviceState): void {
    this.#state = state;
    this.take(encodeEvents(state.frame()));
  }

  take(frames: Buffer): void {
    const passed = this.#options.filter.pass(frames);
    if (passed.length === 0 || !this.#isOpen) return;
    const native = NATIVE_EVENT_SIZE === SMALL_EVENT_SIZE ? toSmallEvents(passed) : passed;
    try {
      writeSync(this.#device.fd, native);
    } catch (error) {
      this.end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  resynchronise(told: DeviceState): void {
    if (this.#state !== undefined) this.take(encodeEvents(this.#state.frame(told)));
  }

  end(why: Error | undefined): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#device.close();
    this.#options.onClosed(why);
  }
}

/** Codes of a device that pass to the consumer. */
export function limitedTo(filter: EventFilter, description: DeviceDescription): DeviceDescription {
  const codes = [...description.codes].map(
    ([type, list]) => [type, list.filter((code) => filter.passes(type, code))] as const,
  );
  const axes = [...description.axes].filter(([axis]) => filter.passes(EV_ABS, axis));
  return {
    ...description,
    codes: new Map(codes.filter(([, list]) => list.length > 0)),
    axes: new Map(axes.map(([axis, info]) => [axis, withoutFuzz(info)])),
  };
}

/** The kernel has smoothed the provider's values by `fuzz`; doing so again would lose some. */
function withoutFuzz(info: Buffer): Buffer {
  const exact = Buffer.from(info);
  exact.writeInt32LE(0, 12);
  return exact;
}
