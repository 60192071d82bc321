"""Much data, and many connections."""

import random
import resource
import select
import socket
import threading

from probes import patient

# A prime, so that no lost or repeated block fits.
PERIOD = 1048573


def pattern(seed):
    """Three periods of the bytes that follow from a seed."""
    return random.Random(seed).randbytes(PERIOD) * 3


def exchange(peer, seed, size, other):
    """Send `size` bytes of the seed and compare what comes with those of `other`, both at once.

    Gives the number of bytes that came, and the place of the first wrong one or None.
    """

    def pour():
        mine, sent = memoryview(pattern(seed)), 0
        while sent < size:
            at = sent % PERIOD
            sent += peer.send(mine[at : at + min(PERIOD, size - sent)])
        peer.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=pour)
    sender.start()
    theirs, received, wrong = pattern(other), 0, None
    while part := peer.recv(PERIOD):
        at = received % PERIOD
        if wrong is None and part != theirs[at : at + len(part)]:
            wrong = received
        received += len(part)
    sender.join()
    return {"received": received, "wrong": wrong}


def stuff(peer):
    """Send until nothing was taken for a second, or 64 MiB were; gives the number of bytes."""
    peer.setblocking(False)
    sent, block = 0, b"x" * 65536
    while sent < 64 << 20 and select.select([], [peer], [], patient(1))[1]:
        try:
            sent += peer.send(block)
        except BlockingIOError:
            pass
    return sent


def all_files():
    """Take all file descriptors that the container may have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
