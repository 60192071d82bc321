"""Ask for each event on another connection, once the one before has come; tells them."""

from probes import arguments, tell, unix

(path,) = arguments()
events, ticks = unix.connect(path), unix.connect(path)
events.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
heard = []
try:
    for _ in range(3):
        ticks.sendall(b"POST /tick HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        unix.read_until(ticks, b"\r\n\r\n")
        data = b""
        while b"data: " not in data:
            data += unix.read_until(events, b"\n\n")
        heard.append(data.split()[-1].decode())
    if unix.read_to_end(events):
        heard.append("more")
except TimeoutError:
    heard.append("silence")
tell(heard)
