"""Send the same memfd to each consumer, and tell what is behind "hello" when it has gone.

Arguments: path, and "sealed" for a memfd that cannot shrink.
"""

import fcntl
import mmap
import socket

from probes import arguments, fds, tell, unix

path, *sealed = arguments()
server = unix.listen(path)
memfd = fds.memory(4096, fcntl.F_SEAL_SHRINK if sealed else 0)
memory = mmap.mmap(memfd, 4096)
print("listening", flush=True)
while True:
    memory[0:16] = b"hello" + bytes(11)
    peer = unix.accept(server, 60)
    socket.send_fds(peer, [b"m"], [memfd])
    unix.read_to_end(peer)
    tell(memory[5:11].decode("latin1"))
