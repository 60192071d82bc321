"""Clients that are released together, each with a path of its own, and again while a container stops.

Tells the replies and times of each round, then the reply to the stop.
"""

import threading
import time

from probes import arguments, tell, unix

path, count, container = arguments()
CLOSE = b"HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"


def together(act):
    """Each client's reply and time, act() being called as they are released."""
    gate = threading.Barrier(count + 1)
    replies = []

    def client(n):
        gate.wait()
        begun = time.monotonic()
        peer = unix.connect(path, 10, waits=True)
        reply = unix.exchange(peer, b"GET /nosuch/%d %s\r\n" % (n, CLOSE))
        replies.append({"n": n, "reply": reply.decode(), "ms": 1000 * (time.monotonic() - begun)})

    threads = [threading.Thread(target=client, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    act()
    gate.wait()
    for thread in threads:
        thread.join()
    return replies


tell(together(lambda: None))
body = b'{"action":"stop"}'
request = b"PUT /containers/%s %sContent-Length: %d\r\n\r\n%s"
stop = unix.connect(path, 10)
tell(together(lambda: stop.sendall(request % (container.encode(), CLOSE, len(body), body))))
tell(unix.read_to_end(stop).decode())
