import { expect } from "vitest";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { Program } from "./program.ts";

/** Open a bus connection with a real client library (jeepney) and keep it open. */
export async function holdBus(
  container: InsideContainer,
): Promise<{ readonly name: string } & AsyncDisposable> {
  const program = await Program.python(
    container,
    `
from jeepney.io.blocking import open_dbus_connection
bus = open_dbus_connection("SYSTEM")
print(bus.unique_name)
input()
`,
  );
  return {
    name: await program.line(),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/**
 * Python: SASL and Hello by hand, for openings that no library would make. `connect()` sends
 * the NUL byte, `ask(bus, line)` one line and gives the reply, `begin(bus)` ends the
 * authentication, says Hello and gives the unique name, `message(type, serial, fields)` is a
 * message without body, each field a code, a type and a value.
 */
export const RAW_BUS = String.raw`
import json, re, socket, struct
def connect():
    bus = socket.socket(socket.AF_UNIX)
    bus.settimeout(patient(5))
    bus.connect("/run/dbus/system_bus_socket")
    bus.sendall(b"\0")
    return bus
def ask(bus, line):
    bus.sendall(line.encode() + b"\r\n")
    reply = b""
    while not reply.endswith(b"\r\n"):
        part = bus.recv(1)
        if not part: return "EOF"
        reply += part
    return reply.decode().strip()
def pad(data): return data + b"\0" * (-len(data) % 8)
def field(code, kind, value):
    head = struct.pack("<BBcx", code, 1, kind)
    return head + (struct.pack("<I", value) if kind == b"u" else struct.pack("<I", len(value)) + value + b"\0")
def message(kind, serial, parts):
    fields = b""
    for part in parts: fields = pad(fields) + field(*part)
    return pad(struct.pack("<cBBBIII", b"l", kind, 0, 1, 0, serial, len(fields)) + fields)
def begin(bus):
    bus.sendall(b"BEGIN\r\n" + message(1, 1, [(1, b"o", b"/org/freedesktop/DBus"), (2, b"s", b"org.freedesktop.DBus"),
        (3, b"s", b"Hello"), (6, b"s", b"org.freedesktop.DBus")]))
    reply = b""
    while True:
        part = bus.recv(4096)
        if not part: return "EOF"
        reply += part
        name = re.search(rb":\d+\.\d+", reply)
        if name: return name.group().decode()
`;

/** GetConnectionUnixUser, asked of the daemon by a connection inside the provider. */
export async function uidAtDaemon(provider: InsideContainer, uniqueName: string): Promise<number> {
  const call = await provider.sh(
    `busctl --system call org.freedesktop.DBus / org.freedesktop.DBus GetConnectionUnixUser s '${uniqueName}'`,
    { timeout: 10_000 },
  );
  expect(call.stdout, call.stderr).toMatch(/^u \d+\n$/);
  return Number(call.stdout.slice(2));
}
