"""Ask the bus about names that the link may not see, and about some that it may.

On a line, tells the names whose owner changed up to a signal End.
"""

from probes import arguments, hold, tell
from probes.bus_peer import Peer

(hidden,) = arguments()
peer = Peer()
tell(peer.name)
tell(peer.driver("ListNames")[0])
tell(
    [
        peer.driver("NameHasOwner", "s", "org.pvh.Hidden"),
        peer.driver("GetNameOwner", "s", "org.pvh.Hidden"),
        peer.driver("GetConnectionUnixUser", "s", "org.pvh.Hidden"),
        peer.driver("GetConnectionUnixUser", "s", hidden),
        peer.driver("StartServiceByName", "su", "org.pvh.Hidden", 0),
        peer.driver("ListQueuedOwners", "s", "org.pvh.Hidden"),
    ]
)
seen = peer.driver("NameHasOwner", "s", "org.pvh.Seen")
tell([seen, peer.driver("GetNameOwner", "s", "org.pvh.Talk")])
peer.driver("AddMatch", "s", "member='NameOwnerChanged'")
tell("ready")
hold()
heard = peer.heard_until("End")
tell([message["body"][0] for message in heard if message["member"] == "NameOwnerChanged"])
