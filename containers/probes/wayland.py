"""A Wayland client by hand, which sends what it is told to."""

import os
import socket
import struct

from probes import unix

DISPLAY = 1
REGISTRY = 2


def message(target, opcode, *values):
    """Bytes of a message: ints are words, None a null string."""
    body = b"".join(_argument(value) for value in values)
    return struct.pack("=II", target, (len(body) + 8) << 16 | opcode) + body


def _argument(value):
    if isinstance(value, int):
        return struct.pack("=I", value & 0xFFFFFFFF)
    if value is None:
        return bytes(4)
    text = value.encode() + b"\0"
    return struct.pack("=I", len(text)) + text + bytes(-len(text) % 4)


class Client:
    """One connection, with a registry as object 2."""

    def __init__(self, path):
        self.peer = unix.connect(path)
        self.last_id = REGISTRY
        self.fds = []
        self.events = []
        self.send(message(DISPLAY, 1, REGISTRY))
        self.sync()

    def send(self, data, *fds):
        if fds:
            socket.send_fds(self.peer, [data], fds)
        else:
            self.peer.sendall(data)

    def new_id(self):
        self.last_id += 1
        return self.last_id

    def request(self, target, opcode, *values, fds=()):
        self.send(message(target, opcode, *values), *fds)

    def sync(self):
        """Read until everything that was sent has been dealt with."""
        callback = self.new_id()
        self.request(DISPLAY, 0, callback)
        while self.next_event()[0] != callback:
            pass

    def next_event(self):
        """The next event as (object, opcode, body); it is kept in `events`, too."""
        data = self.receive(8)
        target, word = struct.unpack("=II", data)
        event = (target, word & 0xFFFF, self.receive((word >> 16) - 8))
        if target == DISPLAY and event[1] == 0:
            raise ProtocolError(*error_of(event[2]))
        self.events.append(event)
        return event

    def receive(self, count):
        data = b""
        while len(data) < count:
            part, fds, _ = unix.receive(self.peer, count - len(data))
            self.fds += fds
            if not part:
                raise EOFError
            data += part
        return data

    def globals(self):
        """Those that were announced: {name: (interface, version)}."""
        found = {}
        for target, opcode, body in self.events:
            if (target, opcode) == (REGISTRY, 0):
                name, length = struct.unpack_from("=II", body)
                interface = body[8 : 8 + length - 1].decode()
                found[name] = (interface, struct.unpack_from("=I", body, len(body) - 4)[0])
        return found

    def name_of(self, interface):
        return next(name for name, (one, _) in self.globals().items() if one == interface)

    def bind(self, name, interface, version):
        made = self.new_id()
        self.request(REGISTRY, 0, name, interface, version, made)
        return made

    def end(self):
        """How the session ends: [object, code, text] of its error, "EOF", "goes on" or "silence"."""
        callback = self.new_id()
        try:
            self.request(DISPLAY, 0, callback)
        except OSError:
            pass
        try:
            while self.next_event()[0] != callback:
                pass
        except ProtocolError as error:
            return list(error.args)
        except TimeoutError:
            return "silence"
        except (EOFError, OSError):
            return "EOF"
        return "goes on"


class ProtocolError(Exception):
    """wl_display.error: object, code, text."""


def error_of(body):
    target, code, length = struct.unpack_from("=III", body)
    return target, code, body[12 : 12 + length - 1].decode()


def shared_memory(size):
    memory = os.memfd_create("pool")
    os.truncate(memory, size)
    return memory
