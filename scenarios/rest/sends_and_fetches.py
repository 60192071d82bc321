"""Send a large body and fetch one; tells whether the bytes arrive as they were."""

import hashlib

from probes import arguments, tell, unix

path, size = arguments()
pattern = bytes(range(256)) * 4096
whole = hashlib.sha256()
for _ in range(size // len(pattern)):
    whole.update(pattern)

peer = unix.connect(path, 30)
peer.sendall(b"PUT /large HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
for _ in range(size // len(pattern)):
    peer.sendall(pattern)
digest = whole.hexdigest().encode()
sent = "the same" if unix.read_until(peer, digest).endswith(digest) else "changed"

peer.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
data = b""
while b"\r\n\r\n" not in data:
    data += peer.recv(65536)
data = data.partition(b"\r\n\r\n")[2]
fetched, left = hashlib.sha256(data), size - len(data)
while left and (data := peer.recv(min(left, 1 << 20))):
    fetched.update(data)
    left -= len(data)
same = "the same" if fetched.digest() == whole.digest() else "changed"
tell({"sent": sent, "fetched": same})
