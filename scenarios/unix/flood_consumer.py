"""Sessions that send messages of many fds at once, beside one that only sends bytes.

Tells whether that one was answered all the time.
"""

import socket
import threading

from probes import arguments, fds, tell, unix

path, sessions, messages, size = arguments()
fd = fds.pipe(b"")


def flood():
    try:
        with unix.connect(path) as peer:
            for _ in range(messages):
                socket.send_fds(peer, [b"f"], [fd] * size)
                if not peer.recv(1):
                    return
    except OSError:
        pass


threads = [threading.Thread(target=flood) for _ in range(sessions)]
bystander = unix.connect(path)
for thread in threads:
    thread.start()
answers = 0
while any(thread.is_alive() for thread in threads):
    try:
        bystander.sendall(b"x")
        if bystander.recv(1) != b"x":
            break
    except OSError:
        break
    answers += 1
bystander.close()
tell({"bystander": "answered" if answers > 0 else "not answered"})
