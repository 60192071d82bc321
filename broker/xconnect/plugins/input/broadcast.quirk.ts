import { InputSource } from "./input-source.ts";
import type { EventReader } from "./input-source.ts";

/** Readers of all sources. */
const everyone = new Set<EventReader>();

/** A source that sends its events to the readers of every source. */
export class BroadcastSource extends InputSource {
  override join(reader: EventReader): void {
    everyone.add(reader);
    super.join(reader);
  }

  override leave(reader: EventReader): void {
    everyone.delete(reader);
    super.leave(reader);
  }

  protected override get readers(): Iterable<EventReader> {
    return everyone;
  }
}
