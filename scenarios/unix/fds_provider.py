"""Tell the bytes and the fds' content of four messages, and send a message with a pipe back."""

import socket

from probes import arguments, fds, tell, unix

(path,) = arguments()
server = unix.listen(path)
print("listening")
peer = unix.accept(server)
seen = []
for size in (4, 2, 3, 4):
    data, received, _ = unix.receive(peer, size)
    seen.append([data.decode(), fds.contents(received)])
socket.send_fds(peer, [b"back"], [fds.pipe(b"from the provider")])
tell(seen)
