"""Send a chunk only when the one before has been answered; tells the answers."""

from probes import arguments, tell, unix

(path,) = arguments()
peer = unix.connect(path)
peer.sendall(b"POST /talk HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
heard = []
try:
    for word in [b"one", b"two", b"three"]:
        peer.sendall(b"%x;an=extension\r\n%s\r\n" % (len(word), word))
        answer = unix.read_until(peer, b"got " + word + b"\r\n")
        heard.append(answer.decode().split("\r\n")[-2])
    peer.sendall(b"0\r\n\r\n")
    if not unix.read_until(peer, b"0\r\n\r\n"):
        heard.append("no end")
except TimeoutError:
    heard.append("silence")
tell(heard)
