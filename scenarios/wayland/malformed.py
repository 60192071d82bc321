"""Each malformed message in a session of its own: how that session ends."""

import os
import struct

from probes import arguments, tell, wayland

(path,) = arguments()


def header(size):
    return struct.pack("=II", wayland.DISPLAY, size << 16)


def raw(data):
    return lambda client: client.send(data)


def request(target, opcode, *values):
    return lambda client: client.request(target, opcode, *values)


def pool(client, *fds):
    shm = client.bind(client.name_of("wl_shm"), "wl_shm", 1)
    client.request(shm, 0, client.new_id(), 4096, fds=fds)


def with_directory(client):
    pool(client, os.open("/", os.O_RDONLY))


def too_many_fds(client):
    memory = wayland.shared_memory(4096)
    client.request(wayland.DISPLAY, 0, client.new_id(), fds=[memory] * 80)


CASES = {
    "of 4 bytes": raw(header(4)),
    "of 13 bytes": raw(header(13)),
    "of 8,192 bytes": raw(header(8192) + bytes(8184)),
    "unknown object": request(77, 0),
    "unknown opcode": request(wayland.DISPLAY, 9),
    "too long": request(wayland.DISPLAY, 0, 4, 0),
    "id with a gap": request(wayland.DISPLAY, 0, 900),
    "id of the server": request(wayland.DISPLAY, 0, 0xFF000000),
    "NUL in a string": request(wayland.REGISTRY, 0, 1, "wl_shm\0x", 1, 4),
    "no fd": pool,
    "a directory": with_directory,
    "fds of no message": too_many_fds,
}

for what, misbehave in CASES.items():
    session = wayland.Client(path)
    misbehave(session)
    tell([what, session.end()])
