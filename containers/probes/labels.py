"""Sockets that say which they are."""

from probes import unix


def serve(labels):
    """Serve each path: a connection gets its label and LF, then what it sends comes back."""
    for path, label in labels.items():
        unix.serve(path, _echo(label))


def _echo(label):
    def handle(peer):
        peer.sendall(label.encode() + b"\n")
        while data := peer.recv(65536):
            peer.sendall(data)

    return handle


def read(peer):
    """The label that a connection is given, or why there is none."""
    try:
        with peer.makefile("r") as lines:
            return lines.readline().strip() or "none: closed"
    except OSError as error:
        return "none: " + (error.strerror or str(error))


def at(path, seconds=3):
    """The label that answers at this path, or why there is none."""
    try:
        with unix.connect(path, seconds) as peer:
            return read(peer)
    except OSError as error:
        return "none: " + (error.strerror or str(error))
