"""Tell the unique name; on a line, send a reply that nobody asked for, and call.

Tells the reply of the call, and the types of what it heard up to a signal End.
"""

from jeepney import DBusAddress, HeaderFields, new_method_call, new_method_return
from probes import arguments, hold, tell
from probes.bus_peer import Peer

(interface,) = arguments()
peer = Peer()
tell(peer.name)
hold()
call = new_method_call(DBusAddress("/p", "org.pvh.Talk", "a.b"), "C")
message = new_method_return(call, "s", ("forged",))
message.header.fields[HeaderFields.destination] = "org.pvh.Talk"
message.header.fields[HeaderFields.reply_serial] = 3
peer.send(message)
tell(peer.call("org.pvh.Talk", interface, "Go"))
tell([message["type"] for message in peer.heard_until("End")])
