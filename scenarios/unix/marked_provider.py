"""Tell what came beside the bytes of two messages: credentials, and fds with their content."""

import os
import socket

from probes import arguments, tell, unix


def is_sealed(fd):
    try:
        os.ftruncate(fd, 0)
    except PermissionError:
        return True
    return False


(path,) = arguments()
server = unix.listen(path)
server.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
print("listening")
peer = unix.accept(server)
peer.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
seen = []
for _ in range(2):
    data, fds, control = unix.receive(peer, 100)
    peer.sendall(b"+")
    handles = [[os.read(fd, 4096).decode(), is_sealed(fd)] for fd in fds]
    seen.append({"data": data.decode(), "ids": unix.credentials(control), "handles": handles})
tell(seen)
