"""Clients that are released together, each with a path of its own; tells replies and times."""

import threading
import time

from probes import arguments, tell, unix

path, count = arguments()
gate = threading.Barrier(count)
replies = []


def client(n):
    peer = unix.connect(path, 4)
    gate.wait()
    begun = time.monotonic()
    head = b"GET /nosuch/%d HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    reply = unix.exchange(peer, head % n)
    replies.append({"n": n, "reply": reply.decode(), "ms": 1000 * (time.monotonic() - begun)})


threads = [threading.Thread(target=client, args=(n,)) for n in range(count)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
tell(replies)
