"""Connections that send something bad, or only half of it, and stay; says "ready"."""

from probes import arguments, hold, unix

path, count = arguments()
heads = [
    "GET /containers HTTP/1.1\r\n\r\n",
    "GET /containers HTTP/1.1\r\nHost:\r\n\r\n",
    "GET /containers HTTP/1.1\r\nHost: " + "x" * 60000 + "\r\n\r\n",
    "GET /containers HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nHost: evil\r\n\r\n",
    "GET /containers HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "GET /containers HTTP/1.1\r\nHost: loc",
    "GET /conta",
    "\x16\x03\x01\x00garbage\r\n\r\n",
]
kept = []
for n in range(count):
    try:
        peer = unix.connect(path)
        peer.sendall(heads[n % len(heads)].encode("latin1"))
        kept.append(peer)
    except OSError:
        # One that is refused, because so many wait already, floods as well.
        pass
print("ready")
hold()
