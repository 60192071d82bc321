"""Answer all connections at once; says "listening"."""

import selectors

from probes import arguments, streams, unix

(path,) = arguments()
server = unix.listen(path)
print("listening")
streams.all_files()
ready = selectors.DefaultSelector()
ready.register(server, selectors.EVENT_READ)


def answer(peer):
    if data := peer.recv(100):
        peer.sendall(b"answer " + data)
        return
    ready.unregister(peer)
    peer.close()


while True:
    for key, _ in ready.select():
        if key.fileobj is server:
            ready.register(server.accept()[0], selectors.EVENT_READ)
        else:
            answer(key.fileobj)
