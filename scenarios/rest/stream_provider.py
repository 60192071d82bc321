"""A provider that streams, ticks, waits, refuses, changes its protocol and carries much."""

import hashlib
import threading

from probes import arguments, hold, http1, unix

path, size = arguments()
ticks = threading.Semaphore(0)
pattern = bytes(range(256)) * 4096


def talk(peer, file):
    """Answer each chunk of a body when it comes."""

    def chunk(data):
        peer.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while size := int(file.readline().split(b";")[0], 16):
        data = file.read(size)
        file.readline()
        chunk(b"got " + data)
    file.readline()
    chunk(b"")


def events(peer):
    """An event for each tick, and the end of the connection."""
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    for n in range(1, 4):
        ticks.acquire()
        peer.sendall(b"data: %d\n\n" % n)


def take(peer, file, left):
    """Answer a body with its digest."""
    digest = hashlib.sha256()
    while left:
        data = file.read1(min(left, 1 << 20))
        if not data:
            return
        digest.update(data)
        left -= len(data)
    http1.reply(peer, b"200 OK", digest.hexdigest().encode())


def give(peer):
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    for _ in range(size // len(pattern)):
        peer.sendall(pattern)


def handle(peer):
    file = peer.makefile("rb")
    while head := http1.read_head(file):
        method, target, fields = head
        length = int(fields.get("content-length", 0))
        if target == "/talk":
            talk(peer, file)
        elif target == "/events":
            return events(peer)
        elif target == "/tick":
            ticks.release()
            http1.reply(peer, b"204 No Content")
        elif target == "/expect":
            peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            http1.reply(peer, b"200 OK", b"got %d" % len(file.read(length)))
        elif target == "/never":
            return http1.reply(peer, b"417 Expectation Failed", more=b"Connection: close\r\n")
        elif target == "/echo" and fields.get("upgrade") == "echo":
            peer.sendall(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
            return peer.sendall(file.read())
        elif target == "/large" and method == "PUT":
            take(peer, file, length)
        elif target == "/large":
            give(peer)
        else:
            http1.reply(peer, b"200 OK", b"plain")


unix.serve(path, handle)
print("listening")
hold()
