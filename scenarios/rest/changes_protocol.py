"""Ask for another protocol, the allowed one and a foreign one; tells the statuses and the echo."""

import socket

from probes import arguments, tell, unix

(path,) = arguments()


def ask(protocol, end):
    """A connection on which it was asked for, and the status."""
    peer = unix.connect(path)
    head = b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n"
    peer.sendall(head % protocol)
    return peer, unix.read_until(peer, end).decode().split()[1]


peer, allowed = ask(b"echo", b"\r\n\r\n")
peer.sendall(b"one ")
peer.sendall(b"two")
peer.shutdown(socket.SHUT_WR)
echo = unix.read_to_end(peer).decode()
_, other = ask(b"other", b"plain")
tell({"allowed": allowed, "echo": echo, "other": other})
