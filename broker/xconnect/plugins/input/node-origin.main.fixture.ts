import { constants, openSync } from "node:fs";
import { EventFilter } from "../../../shared/protocols/input/event-filter.ts";
import { decodeEvents } from "../../../shared/protocols/input/input-event.ts";
import type { InputEvent } from "../../../shared/protocols/input/input-event.ts";
import type { DeviceState } from "../../../shared/protocols/input/device-state.ts";
import { InputSource } from "./input-source.ts";
import type { EventReader } from "./input-source.ts";
import { NodeOrigin } from "./node-origin.ts";

/**
 * For tests, under umockdev-run: reads the event node that the arguments name, and prints the events
 * of a reader that may have this list of rules, one call of it a line, until a line has this code or
 * events were lost.
 */
const [path = "", rules = "", last = ""] = process.argv.slice(2);
const filter = new EventFilter([JSON.parse(rules) as []]);
const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
const source = new InputSource(
  (owner) => new NodeOrigin(fd, owner, { grab: true }),
  () => process.exit(0),
);

function tell(call: string, events: readonly InputEvent[]): void {
  if (events.length === 0) return;
  console.log(
    JSON.stringify([call, ...events.map(({ type, code, value }) => [type, code, value])]),
  );
  if (events.some(({ code }) => code === Number(last))) source.leave(reader);
}

let state: DeviceState | undefined;
const reader: EventReader = {
  begin: (opened) => {
    state = opened;
    tell("begin", opened.frame());
  },
  take: (frames) => tell("take", decodeEvents(filter.pass(frames))),
  resynchronise: () => {
    tell("resynchronise", state?.frame() ?? []);
    source.leave(reader);
  },
  end: (why) => console.log(JSON.stringify(["end", String(why)])),
};
source.join(reader);
