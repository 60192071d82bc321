"""Unix sockets: connect, listen, read, and what comes beside the bytes."""

import array
import os
import socket
import struct
import threading

from probes import patient

# Longest path in sockaddr_un, unix(7): 108 bytes with the NUL.
LONGEST = 107


def connect(path, seconds: float | None = 5, kind=socket.SOCK_STREAM, waits=False):
    """A connected socket each call of which may take so many seconds; None: for ever.

    With a number of seconds a full backlog is a BlockingIOError at once, unless it `waits`.
    """
    peer = socket.socket(socket.AF_UNIX, kind)
    try:
        peer.settimeout(None if seconds is None else patient(seconds))
        if waits and seconds is not None:
            peer.settimeout(None)
            limit = struct.pack("ll", int(patient(seconds)), 0)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        if len(os.fsencode(path)) <= LONGEST:
            peer.connect(path)
        else:
            _by_inode(path, peer.connect)
        if waits and seconds is not None:
            peer.settimeout(patient(seconds))
    except OSError:
        peer.close()
        raise
    return peer


def listen(path, kind=socket.SOCK_STREAM, backlog=64):
    """A listening socket in place of what has that name; makes its directories."""
    folder, name = os.path.split(path)
    os.makedirs(folder, exist_ok=True)
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    server = socket.socket(socket.AF_UNIX, kind)
    if len(os.fsencode(path)) <= LONGEST:
        server.bind(path)
    else:
        _by_inode(folder, lambda short: server.bind(f"{short}/{name}"))
    server.listen(backlog)
    return server


def accept(server, seconds=5):
    """The next connection, whenever it comes; each call of it may take so many seconds."""
    peer, _ = server.accept()
    peer.settimeout(patient(seconds))
    return peer


def serve(path, handle, backlog=128):
    """Call handle(peer) on a thread for each connection, which ends when it returns."""
    server = listen(path, backlog=backlog)

    def run(peer):
        try:
            handle(peer)
            peer.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        finally:
            peer.close()

    def accept_all():
        while True:
            peer, _ = server.accept()
            threading.Thread(target=run, args=(peer,), daemon=True).start()

    threading.Thread(target=accept_all, daemon=True).start()


def read_to_end(peer):
    """All bytes up to EOF."""
    return read_until(peer, None)


def read_until(peer, end):
    """The bytes up to those that `end` is, or up to EOF."""
    data = b""
    while end is None or not data.endswith(end):
        part = peer.recv(65536)
        if not part:
            break
        data += part
    return data


def exchange(peer, data):
    """Send bytes as they are; gives what comes until EOF, an error or a time-out."""
    reply = b""
    try:
        peer.sendall(data)
        while part := peer.recv(65536):
            reply += part
    except OSError:
        pass
    finally:
        peer.close()
    return reply


def receive(peer, size):
    """One recvmsg(2): the bytes, the fds and all control messages."""
    data, control, _, _ = peer.recvmsg(size, 2048)
    fds = array.array("i")
    for level, kind, value in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(value)
    return data, list(fds), control


def credentials(control):
    """[uid, gid] of each SCM_CREDENTIALS, unix(7), among these control messages."""
    return [
        list(struct.unpack("iII", value)[1:])
        for _, kind, value in control
        if kind == socket.SCM_CREDENTIALS
    ]


def outcome(peer):
    """How the connection goes on: bytes, EOF, nothing in time, or the error's name."""
    try:
        data = peer.recv(1)
    except TimeoutError:
        return "nothing"
    except OSError as error:
        return type(error).__name__
    return f"{len(data)} bytes" if data else "EOF"


def _by_inode(path, use):
    """Call use() with a name of the same file that fits into sun_path."""
    inode = os.open(path, os.O_PATH)
    try:
        use(f"/proc/self/fd/{inode}")
    finally:
        os.close(inode)
