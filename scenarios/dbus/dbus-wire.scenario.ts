import { expect } from "vitest";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { RAW_BUS, holdBus, uidAtDaemon } from "../support/bus.ts";
import { BusServices, OPEN_BUS, busConsumer, openBus, startBus } from "../support/open-bus.ts";
import { Program } from "../support/program.ts";

const TALK = { interface: "org.pvh.Talk" };

scenario(
  "dbus-wire",
  {
    summary: "what a consumer sends is authentication and messages, or its session ends",
    containers: [
      openBus,
      busConsumer("client", TALK),
      busConsumer("nobody", { ...TALK, role: "nobody" }),
      busConsumer("fds", { interface: "org.pvh.Fds", fds: ["pipe"] }),
    ],
  },
  ({ check }) => {
    check(
      "dbus.role.separate",
      "each consumer has a connection of its own",
      async ({ inside, signal }) => {
        await startBus(inside(OPEN_BUS), signal);
        await using one = await holdBus(inside("client"));
        await using two = await holdBus(inside("nobody"));
        await using three = await holdBus(inside("nobody"));
        expect(new Set([one.name, two.name, three.name]).size).toBe(3);
        expect(await uidAtDaemon(inside(OPEN_BUS), one.name)).toBe(0);
        expect(await uidAtDaemon(inside(OPEN_BUS), two.name)).toBe(65534);
        expect(await uidAtDaemon(inside(OPEN_BUS), three.name)).toBe(65534);
      },
    );

    check(
      "dbus.auth.other",
      "other mechanisms, pipelined and split lines end as the role's user",
      async ({ inside, signal }) => {
        await startBus(inside(OPEN_BUS), signal);
        await using program = await Program.python(
          inside("nobody"),
          `${RAW_BUS}
bus = connect()
replies = [ask(bus, line).split(" ")[:2] for line in ("AUTH ANONYMOUS 78", "AUTH DBUS_COOKIE_SHA1 30", "AUTH")]
for byte in b"AUTH EXTERNAL 3": bus.sendall(bytes([byte]))
print(json.dumps([replies, ask(bus, "0")[:3]]))
print(begin(bus))
pipelined = connect()
pipelined.sendall(b"AUTH ANONYMOUS\\r\\nAUTH EXTERNAL\\r\\nDATA\\r\\nNEGOTIATE_UNIX_FD\\r\\n")
print(begin(pipelined))
input()
`,
        );
        const rejected = ["REJECTED", "EXTERNAL"];
        expect(await program.json()).toEqual([[rejected, rejected, rejected], "OK "]);
        for (const name of [await program.line(), await program.line()]) {
          expect(await uidAtDaemon(inside(OPEN_BUS), name)).toBe(65534);
        }
      },
    );

    check(
      "dbus.fd",
      "fds arrive both ways with their messages where both manifests list them, else nobody is led to send any",
      async ({ appengine, inside, signal }) => {
        await startBus(inside(OPEN_BUS), signal);
        await using refused = await Program.python(
          inside("client"),
          `${RAW_BUS}
bus = connect()
ask(bus, "AUTH EXTERNAL 30")
print(ask(bus, "NEGOTIATE_UNIX_FD").split(" ")[0])
`,
        );
        expect(await refused.line()).toBe("ERROR");

        await using service = await Program.python(inside(OPEN_BUS), FD_SERVICE);
        expect(await service.json()).toEqual([1]);
        const before = await brokerFds(appengine);
        {
          await using client = await Program.python(inside("fds"), FD_CLIENT);
          expect(await client.json(20_000)).toEqual(
            Array.from({ length: 20 }, (_, at) => [
              [`${at} one`, `${at} two`],
              [`${at} one two back`],
            ]),
          );
          expect(await client.line()).toBe("org.freedesktop.DBus.Error.AccessDenied");
        }
        // 61 fds have passed; of the closed session not one may be left.
        await until(
          "the session's fds to be closed",
          async () => (await brokerFds(appengine)) <= before,
          {
            signal,
            timeout: 5_000,
          },
        );
      },
    );

    check(
      "dbus.malformed",
      "what is no message ends the session that it came on, and no other",
      async ({ inside, signal }) => {
        await using services = await BusServices.start(inside(OPEN_BUS), ["org.pvh.Talk"], signal);
        await using program = await Program.python(
          inside("client"),
          `${RAW_BUS}
def session():
    bus = connect()
    ask(bus, "AUTH EXTERNAL 30")
    begin(bus)
    return bus
def answers(bus, serial):
    bus.sendall(message(1, serial, [(1, b"o", b"/"), (2, b"s", b"org.freedesktop.DBus"), (3, b"s", b"GetId"), (6, b"s", b"org.freedesktop.DBus")]))
    data = b""
    while struct.pack("<I", serial) not in data:
        part = bus.recv(65536)
        if not part: return False
        data += part
    return True
def ends(data):
    bus = session()
    bus.settimeout(patient(3))
    try:
        bus.sendall(data)
        while bus.recv(65536): pass
        return True
    except TimeoutError: return False
    except ConnectionError: return True
good = [(1, b"o", b"/p"), (2, b"s", b"org.pvh.Fine"), (3, b"s", b"Go"), (6, b"s", b"org.pvh.Talk")]
sound = message(1, 9, good)
def patched(at, value): return sound[:at] + value + sound[at + len(value):]
cases = {
    "no byte order": patched(0, b"x"),
    "the other byte order": patched(0, b"B"),
    "type 0": patched(1, b"\\0"),
    "version 2": patched(3, b"\\2"),
    "serial 0": patched(8, bytes(4)),
    "too large": patched(4, struct.pack("<I", 0x7ffffff0)),
    "fields too large": patched(12, struct.pack("<I", 0x7ffffff0)),
    "a body without signature": patched(4, struct.pack("<I", 8)) + bytes(8),
    "two destinations": message(1, 9, good + [(6, b"s", b"org.pvh.Talk")]),
    "no member": message(1, 9, good[:2] + good[3:]),
    "an interface that is none": message(1, 9, [good[0], (2, b"s", b"..")] + good[2:]),
    "a destination of the wrong type": message(1, 9, good[:3] + [(6, b"o", b"/p")]),
    "the library's own interface": message(1, 9, [good[0], (2, b"s", b"org.freedesktop.DBus.Local")] + good[2:]),
}
bystander = session()
print(json.dumps(next((name for name, data in cases.items() if not ends(data)), None)))
print(json.dumps([answers(bystander, 77), answers(session(), 78)]))
`,
        );
        expect(await program.json(60_000)).toBe(null);
        expect(await program.json()).toEqual([true, true]);
        expect(await services.heard("org.pvh.Talk")).not.toContainEqual(
          expect.objectContaining({ type: "method_call" }),
        );
      },
    );

    check(
      "dbus.real-clients",
      "dbus-send, busctl, gdbus and dbus-test-tool work",
      async ({ inside, signal }) => {
        await using services = new AsyncDisposableStack();
        services.use(await BusServices.start(inside(OPEN_BUS), ["org.pvh.Talk"], signal));
        const answers: Readonly<Record<string, string>> = {
          "dbus-send --system --print-reply=literal --dest=org.pvh.Talk /p org.pvh.Fine.Go":
            "org.pvh.Talk",
          "busctl --system call org.pvh.Talk /p org.pvh.Fine Go": 's "org.pvh.Talk"',
          "gdbus call --system --dest org.pvh.Talk --object-path /p --method org.pvh.Fine.Go":
            "('org.pvh.Talk',)",
          "dbus-test-tool spam --system --dest=org.pvh.Talk --count=20 && echo all": "all",
        };
        for (const consumer of ["client", "nobody"]) {
          for (const [command, answer] of Object.entries(answers)) {
            const { stdout, stderr } = await inside(consumer).sh(command, { timeout: 10_000 });
            expect(stdout, `${command}: ${stderr}`).toContain(answer);
          }
        }
      },
    );
  },
);

/** Answers a call with what it reads from the fds that came with it, and with a pipe of its own. */
const FD_SERVICE = `
import json, os, sys, threading
from jeepney import DBusAddress, MessageType, new_method_call, new_method_return
from jeepney.io.blocking import open_dbus_connection
bus = open_dbus_connection("SYSTEM", enable_fds=True)
driver = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
print(json.dumps(list(bus.send_and_get_reply(new_method_call(driver, "RequestName", "su", ("org.pvh.Fds", 4))).body)))
def answer(call):
    texts = [fd.to_file("r").read() for fd in call.body[0]]
    read, write = os.pipe()
    os.write(write, (texts[0] + " two back").encode())
    os.close(write)
    bus.send(new_method_return(call, "asah", (texts, [read])))
    os.close(read)
def serve():
    while True:
        message = bus.receive()
        if message.header.message_type is MessageType.method_call: answer(message)
threading.Thread(target=serve, daemon=True).start()
sys.stdin.read()
`;

/** Calls with two pipes each, then one with a memfd, which its requirement does not list. */
const FD_CLIENT = `
import json, os
from jeepney import DBusAddress, HeaderFields, new_method_call
from jeepney.io.blocking import open_dbus_connection
bus = open_dbus_connection("SYSTEM", enable_fds=True)
service = DBusAddress("/p", "org.pvh.Fds", "org.pvh.Fine")
def pipe(text):
    read, write = os.pipe()
    os.write(write, text.encode())
    os.close(write)
    return read
def call(fds):
    reply = bus.send_and_get_reply(new_method_call(service, "Take", "ah", (fds,)), timeout=patient(5))
    for fd in fds: os.close(fd)
    return reply
rounds = []
for at in range(20):
    texts, fds = call([pipe(f"{at} one"), pipe(f"{at} two")]).body
    rounds.append([texts, [fd.to_file("r").read() for fd in fds]])
print(json.dumps(rounds))
print(call([os.memfd_create("x")]).header.fields[HeaderFields.error_name])
`;

async function brokerFds(appengine: Appengine): Promise<number> {
  const stdout = await appengine.text('ls "/proc/$(pgrep -o -x pv-xconnect)/fd" | wc -l');
  return Number(stdout);
}
