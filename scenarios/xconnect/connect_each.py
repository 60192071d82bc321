"""Connect to each kind of service so many times; tells the answers by kind, up to the first that did not come."""

from probes import arguments, bus, labels, tell, unix

times, probe, api = arguments()


def plain():
    return labels.at(probe) == "probe"


def rest():
    with unix.connect(api, 3) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return peer.recv(100).startswith(b"HTTP/1.1 200")


def dbus():
    with bus.connect() as peer:
        return bus.ask(peer, "AUTH EXTERNAL 30").startswith("OK") and bus.begin(peer).startswith(":")


def answered(connect):
    try:
        return connect()
    except OSError:
        return False


answers = {"unix": 0, "rest": 0, "dbus": 0}
for _ in range(times):
    now = {"unix": answered(plain), "rest": answered(rest), "dbus": answered(dbus)}
    for kind, came in now.items():
        answers[kind] += came
    if not all(now.values()):
        break
tell(answers)
