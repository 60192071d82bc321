"""Send a sealed memfd with "hello", and tell what the consumer has written behind that.

The path of a udmabuf device makes it a dmabuf of the same memory.
"""

import fcntl
import mmap
import socket

from probes import arguments, fds, tell, unix

path, *devices = arguments()
server = unix.listen(path)
print("listening")
peer = unix.accept(server)
growth = fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
memfd = fds.memory(4096, fcntl.F_SEAL_SHRINK | (0 if devices else growth))
memory = mmap.mmap(memfd, 4096)
memory[0:5] = b"hello"
passed = fds.dmabuf(devices[0], memfd, 4096) if devices else memfd
socket.send_fds(peer, [b"m"], [passed])
peer.recv(1)
tell(memory[5:11].decode())
