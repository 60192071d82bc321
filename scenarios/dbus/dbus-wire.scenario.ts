import { expect } from "vitest";
import { scenario } from "../../harness/run/scenario.ts";
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

    check("dbus.fd", "fds arrive, or nobody is led to send any", async ({ inside, signal }) => {
      await startBus(inside(OPEN_BUS), signal);
      await using program = await Program.python(
        inside("client"),
        `${RAW_BUS}
import array, os
bus = connect()
ask(bus, "AUTH EXTERNAL 30")
if ask(bus, "NEGOTIATE_UNIX_FD").startswith("ERROR"):
    begin(bus)
    print("refused")
else:
    name = begin(bus).encode()
    read, write = os.pipe()
    fds = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [read]))]
    bus.sendmsg([message(1, 2, [(1, b"o", b"/p"), (3, b"s", b"Take"), (6, b"s", name), (9, b"u", 1)])], fds)
    try:
        while True:
            data, control, _, _ = bus.recvmsg(4096, 1024)
            if control or not data: break
    except TimeoutError: control = []
    print("arrived" if control else "lost")
`,
      );
      expect(["refused", "arrived"]).toContain(await program.line(20_000));
    });

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
    bus.settimeout(3)
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
