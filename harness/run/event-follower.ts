import { closeSync, openSync, readSync, watch } from "node:fs";
import { parseLine } from "./event-log.ts";
import type { RecordedEvent } from "./events.ts";

export interface Follower {
  /** Deliver what is there now. */
  drain(): void;
  /** Deliver the rest and end. */
  stop(): void;
}

/** Calls `onEvent` for each event that is, or will be, in the file. */
export function followEvents(path: string, onEvent: (event: RecordedEvent) => void): Follower {
  const fd = openSync(path, "r");
  const chunk = Buffer.alloc(64 * 1024);
  let rest = Buffer.alloc(0);

  const drain = (): void => {
    for (;;) {
      const length = readSync(fd, chunk, 0, chunk.length, null);
      if (length === 0) return;
      rest = Buffer.concat([rest, chunk.subarray(0, length)]);
      let end = rest.indexOf(10);
      while (end >= 0) {
        const event = parseLine(rest.toString("utf8", 0, end));
        rest = rest.subarray(end + 1);
        if (event !== undefined) onEvent(event);
        end = rest.indexOf(10);
      }
    }
  };

  const watcher = watch(path, { persistent: false }, drain);
  return {
    drain,
    stop(): void {
      watcher.close();
      drain();
      closeSync(fd);
    },
  };
}
