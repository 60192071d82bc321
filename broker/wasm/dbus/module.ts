import type { GuestService } from "../../shared/formats/wasm-guest.ts";
import { parseMatchRule } from "../../shared/protocols/dbus/match-rule.ts";
import { ERROR } from "../../shared/protocols/dbus/message-header.ts";
import { strings } from "../../shared/protocols/dbus/write-message.ts";
import { deadlineIn } from "../connection.ts";
import { GuestErrno } from "../guest-errno.ts";
import { Handles } from "../handles.ts";
import { giveAll, hostFunction, input, number, room, words } from "../host-function.ts";
import type { HostModule, WriteWords } from "../host-function.ts";
import { Services } from "../services.ts";
import { callOf } from "./call-arguments.ts";
import type { BusMessage } from "./bus-connection.ts";
import { driverCall } from "./bus-connection.ts";
import { GuestBus } from "./guest-bus.ts";
import { SignalQueue } from "./signal-queue.ts";

export const DBUS_MODULE = "pantavisor_dbus";

/** Milliseconds in which the bus takes a match rule. */
const PATIENCE = 5_000;

/** Meaning of a handle: a message that is read, or a match that gives messages. */
type Held =
  | { readonly kind: "message"; readonly message: BusMessage; read: number }
  | { readonly kind: "match"; readonly bus: GuestBus; readonly queue: SignalQueue };

/** Host module `pantavisor_dbus` (docs/wasm.md): calls and signals over links of type dbus. */
export function dbusModule(requires: readonly GuestService[]): HostModule {
  const services = new Services(requires, "dbus");
  const buses = new Map<string, GuestBus>();
  const handles = new Handles<Held>();

  const busOf = (name: Buffer): GuestBus => {
    const service = services.find(name);
    const known = buses.get(service.name);
    if (known !== undefined) return known;
    const bus = new GuestBus(service);
    buses.set(service.name, bus);
    return bus;
  };
  const hold = (message: BusMessage, out: WriteWords): void => {
    const handle = handles.add({ kind: "message", message, read: 0 });
    out(handle, message.body.length, headOf(message).length);
  };
  const messageOf = (handle: number) => {
    const held = handles.get(handle);
    if (held.kind !== "message") throw new GuestErrno("EBADF");
    return held;
  };

  return {
    call: hostFunction(
      [input, input, input, input, number, words(3)],
      (name, head, signature, body, timeout, out) => {
        const bus = busOf(name);
        const call = callOf(head, signature, body);
        handles.refuseWhenFull();
        const reply = bus.call(call, deadlineIn(timeout));
        hold(reply, out);
        if (reply.header.type === ERROR) throw new GuestErrno("EIO");
      },
    ),
    match: hostFunction([input, input, words(1)], (name, rule, out) => {
      const bus = busOf(name);
      const text = rule.toString("utf8");
      const parsed = parseMatchRule(text);
      if (parsed === undefined) throw new GuestErrno("EINVAL");
      handles.refuseWhenFull();
      const queue = new SignalQueue(parsed);
      bus.addMatch(driverCall("AddMatch", strings(text)), queue, deadlineIn(PATIENCE));
      out(handles.add({ kind: "match", bus, queue }));
    }),
    next: hostFunction([number, number, words(3)], (handle, timeout, out) => {
      const held = handles.get(handle);
      if (held.kind !== "match") throw new GuestErrno("EBADF");
      handles.refuseWhenFull();
      hold(held.bus.next(held.queue, deadlineIn(timeout)), out);
    }),
    head: hostFunction([number, room, words(1)], (handle, target, out) =>
      giveAll(headOf(messageOf(handle).message), target, out),
    ),
    read: hostFunction([number, room, words(1)], (handle, { capacity, fill }, out) => {
      const held = messageOf(handle);
      const bytes = held.message.body.subarray(held.read, held.read + capacity);
      held.read += bytes.length;
      fill(bytes);
      out(bytes.length);
    }),
    close: hostFunction([number], (handle) => {
      const held = handles.remove(handle);
      if (held.kind === "match") held.bus.forget(held.queue);
    }),
  };
}

function headOf({ header }: BusMessage): Buffer {
  const { sender, path, member, errorName, signature } = header;
  const texts = [sender, path, header.interface, member, errorName, signature];
  return Buffer.from(texts.map((text) => `${text}\0`).join(""), "utf8");
}
