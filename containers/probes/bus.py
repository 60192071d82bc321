"""A D-Bus connection by hand, for openings and messages that no library would make."""

import re
import struct

from probes import unix

SOCKET = "/run/dbus/system_bus_socket"
DRIVER = "org.freedesktop.DBus"
CALL = 1
# Codes of header fields, and their types: D-Bus specification, "Header Fields".
PATH, INTERFACE, MEMBER, DESTINATION = 1, 2, 3, 6


def connect():
    """A connection that has sent the NUL byte."""
    bus = unix.connect(SOCKET)
    bus.sendall(b"\0")
    return bus


def ask(bus, line):
    """Send a SASL line; gives the reply, or EOF."""
    bus.sendall(line.encode() + b"\r\n")
    reply = b""
    while not reply.endswith(b"\r\n"):
        part = bus.recv(1)
        if not part:
            return "EOF"
        reply += part
    return reply.decode().strip()


def begin(bus):
    """End the authentication and say Hello; gives the unique name, or EOF."""
    bus.sendall(b"BEGIN\r\n" + driver_call(1, "Hello"))
    reply = b""
    while True:
        part = bus.recv(4096)
        if not part:
            return "EOF"
        reply += part
        name = re.search(rb":\d+\.\d+", reply)
        if name:
            return name.group().decode()


def session():
    """A connection that has a unique name."""
    bus = connect()
    ask(bus, "AUTH EXTERNAL 30")
    begin(bus)
    return bus


def driver_call(serial, member):
    """A call of the bus itself without arguments."""
    path, name = b"/org/freedesktop/DBus", DRIVER.encode()
    fields = [(PATH, b"o", path), (INTERFACE, b"s", name)]
    return message(CALL, serial, fields + [(MEMBER, b"s", member.encode()), (DESTINATION, b"s", name)])


def message(kind, serial, fields):
    """A message without body; each field is a code, a type and a value."""
    array = b""
    for field in fields:
        array = _pad(array) + _field(*field)
    head = struct.pack("<cBBBIII", b"l", kind, 0, 1, 0, serial, len(array))
    return _pad(head + array)


def _field(code, kind, value):
    head = struct.pack("<BBcx", code, 1, kind)
    if kind == b"u":
        return head + struct.pack("<I", value)
    return head + struct.pack("<I", len(value)) + value + b"\0"


def _pad(data):
    return data + b"\0" * (-len(data) % 8)
