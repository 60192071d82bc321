"""Send what is no message; tells the name of the first that did not end its session, or null.

Then tells whether a session from before and a new one are answered.
"""

import struct
import time

from probes import bus, patient, tell

# Seconds: less than those after which a broker may drop a session for its silence alone.
LONGEST = 30


def answers(peer, serial):
    """Whether the bus answers a call of this serial."""
    peer.sendall(bus.driver_call(serial, "GetId"))
    data = b""
    while struct.pack("<I", serial) not in data:
        part = peer.recv(65536)
        if not part:
            return False
        data += part
    return True


def ends(peer):
    """Whether the session has ended by the common deadline."""
    try:
        while True:
            peer.settimeout(max(0.001, deadline - time.monotonic()))
            if not peer.recv(65536):
                return True
    except TimeoutError:
        return False
    except ConnectionError:
        return True


path = (bus.PATH, b"o", b"/p")
interface = (bus.INTERFACE, b"s", b"org.pvh.Fine")
member = (bus.MEMBER, b"s", b"Go")
destination = (bus.DESTINATION, b"s", b"org.pvh.Talk")


def call(*fields):
    return bus.message(bus.CALL, 9, fields)


sound = call(path, interface, member, destination)


def patched(at, value):
    return sound[:at] + value + sound[at + len(value) :]


huge = struct.pack("<I", 0x7FFFFFF0)
cases = {
    "no byte order": patched(0, b"x"),
    "the other byte order": patched(0, b"B"),
    "type 0": patched(1, b"\0"),
    "version 2": patched(3, b"\2"),
    "serial 0": patched(8, bytes(4)),
    "too large": patched(4, huge),
    "fields too large": patched(12, huge),
    "a body without signature": patched(4, struct.pack("<I", 8)) + bytes(8),
    "two destinations": call(path, interface, member, destination, destination),
    "no member": call(path, interface, destination),
    "an interface that is none": call(path, (2, b"s", b".."), member, destination),
    "a destination of the wrong type": call(path, interface, member, (6, b"o", b"/p")),
    "the library's own interface": call(
        path, (2, b"s", b"org.freedesktop.DBus.Local"), member, destination
    ),
}
bystander = bus.session()
sessions = {name: bus.session() for name in cases}
for name, peer in sessions.items():
    peer.sendall(cases[name])
deadline = time.monotonic() + min(LONGEST, patient(3))
tell(next((name for name, peer in sessions.items() if not ends(peer)), None))
tell([answers(bystander, 77), answers(bus.session(), 78)])
