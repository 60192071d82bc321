"""Ask the bus for all signals in every way; tells the replies, and then its unique name.

On a line, tells sender, interface and member of what it heard up to a signal End.
"""

from jeepney import DBusAddress, new_method_call
from probes import hold, tell
from probes.bus_peer import Peer

peer = Peer()
rules = [
    "type='signal'",
    "sender='org.pvh.Hidden'",
    "type='signal',eavesdrop='true'",
    " eavesdrop =true",
    "eavesdrop=tr'ue'",
]
monitoring = DBusAddress(
    "/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus.Monitoring"
)
replies = [peer.driver("AddMatch", "s", rule) for rule in rules]
replies.append(peer.ask(new_method_call(monitoring, "BecomeMonitor", "asu", ([], 0))))
tell(replies)
tell(peer.name)
hold()
heard = peer.heard_until("End")
ours = [message for message in heard if message["interface"].startswith("org.pvh")]
tell([[message["sender"], message["interface"], message["member"]] for message in ours])
