"""Open sessions that never end their request's head; tells how many were cut with 408."""

import time

from probes import arguments, patient, tell, unix

path, count = arguments()
waiting = [unix.connect(path, waits=True) for _ in range(count)]
for peer in waiting:
    peer.sendall(b"GET /slow HTTP/1.1\r\n")
print("dripping")


def answer_of(peer):
    """What came after one more line; None while nothing has come."""
    peer.setblocking(False)
    try:
        peer.sendall(b"X: y\r\n")
    except OSError:
        pass
    try:
        return peer.recv(65536)
    except BlockingIOError:
        return None
    except OSError:
        return b""


cut, limit = 0, time.monotonic() + patient(20)
while waiting and time.monotonic() < limit:
    time.sleep(0.5)
    for peer in list(waiting):
        answer = answer_of(peer)
        if answer is not None:
            waiting.remove(peer)
            cut += answer.startswith(b"HTTP/1.1 408 ")
tell({"cut": cut})
