"""Connections to the bus that own names and do as they are told, an order in JSON a line."""

import json
import select
import sys

from jeepney import DBusAddress, HeaderFields, MessageType, new_method_call
from jeepney import new_method_return, new_signal
from probes import arguments, tell, wait_for
from probes.bus_peer import Peer, facts

peers = {}


def own(name):
    peers[name] = Peer()
    # Who had it before may still be ending.
    assert wait_for(lambda: peers[name].driver("RequestName", "su", name, 4) in ([1], [4]), 5), name


def leave(name):
    peers.pop(name).bus.close()


def signal(name, destination, interface, member):
    message = new_signal(DBusAddress("/p", None, interface), member)
    if destination:
        message.header.fields[HeaderFields.destination] = destination
    peers[name].send(message)


def return_(name, destination, serials):
    """Replies to calls with serials from 2 to below this, which never came."""
    call = new_method_call(DBusAddress("/p", destination, "a.b"), "C")
    for serial in range(2, serials):
        message = new_method_return(call, "s", ("forged",))
        message.header.fields[HeaderFields.reply_serial] = serial
        message.header.fields[HeaderFields.destination] = destination
        peers[name].send(message)


def heard(name):
    return peers[name].heard


ORDERS = {"own": own, "leave": leave, "signal": signal, "return": return_, "heard": heard}


def serve(name, peer):
    """Remember what has come, and answer calls with the name."""
    while True:
        try:
            message = peer.bus.receive(timeout=0)
        except TimeoutError:
            return
        peer.heard.append(facts(message))
        if message.header.message_type is MessageType.method_call:
            peer.send(new_method_return(message, "s", (name,)))


(names,) = arguments()
for name in names:
    own(name)
tell({name: peer.name for name, peer in peers.items()})
orders = open(0, "rb", buffering=0)
while True:
    ready, _, _ = select.select([0] + [peer.bus.sock for peer in peers.values()], [], [])
    for name, peer in list(peers.items()):
        if peer.bus.sock in ready:
            serve(name, peer)
    if 0 in ready:
        line = orders.readline()
        if not line:
            sys.exit()
        name, order, *words = json.loads(line)
        tell(ORDERS[order](name, *words))
