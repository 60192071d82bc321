"""Connections that are opened before their bus restarts, and authenticate after it."""

from probes import arguments, bus, hold, tell, wait_for

[count] = arguments()
early = [bus.connect() for _ in range(count)]
# The broker accepts in order: when this one is served, it has accepted those before.
bus.session()
print("open")
hold()

served = []


def is_served():
    try:
        served.append(bus.connect())
        return bus.ask(served[-1], "AUTH EXTERNAL 30").startswith("OK")
    except OSError:
        return False


print("served" if wait_for(is_served, 20) else "not served")

# Lines of many lengths take the place of all that a broker has freed.
lines = b"".join(b"A" * size + b"\r\n" for size in range(23, 280, 16))


def fate(peer):
    """How it ends: served, ended, or neither in time."""
    try:
        peer.sendall(lines + b"AUTH EXTERNAL 30\r\n")
        while reply := peer.recv(4096):
            if b"OK " in reply:
                return "served"
    except TimeoutError:
        return "neither"
    except OSError:
        pass
    return "ended"


tell([fate(peer) for peer in early])
hold()
