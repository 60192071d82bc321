#!/usr/bin/python3
"""The D-Bus service org.pantavisor.Example.

Prints one line per call with the Unix uid that the bus daemon knows for the caller.
"""

import json
import signal
import sys

from jeepney import (
    DBusAddress,
    HeaderFields,
    MessageType,
    new_error,
    new_method_call,
    new_method_return,
)
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection

NAME = INTERFACE = "org.pantavisor.Example"
PATH = "/org/pantavisor/Example"
BUS = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
INFO = {"service": "dbus-example", "status": "active"}
INTROSPECTION = f"""<node><interface name="{INTERFACE}">
<method name="GetInfo"><arg name="info" type="s" direction="out"/></method>
</interface></node>"""


def uid_of(bus, sender):
    """The sender's uid, or None when it has already left the bus."""
    reply = bus.send_and_get_reply(new_method_call(BUS, "GetConnectionUnixUser", "s", (sender,)))
    return reply.body[0] if reply.header.message_type is MessageType.method_return else None


def answer(bus, call):
    fields = call.header.fields
    member = fields.get(HeaderFields.member)
    interface = fields.get(HeaderFields.interface, INTERFACE)
    sender = fields.get(HeaderFields.sender)
    print(f"{member} called by {sender} (uid {uid_of(bus, sender)})", flush=True)
    if (interface, member) == (INTERFACE, "GetInfo"):
        return new_method_return(call, "s", (json.dumps(INFO),))
    if (interface, member) == (INTROSPECTABLE, "Introspect"):
        return new_method_return(call, "s", (INTROSPECTION,))
    message = f"No method {interface}.{member} at {PATH}"
    return new_error(call, "org.freedesktop.DBus.Error.UnknownMethod", "s", (message,))


def main():
    for number in (signal.SIGTERM, signal.SIGPWR):
        signal.signal(number, lambda *_: sys.exit(0))
    service = open_dbus_connection("SYSTEM")
    # A connection of its own for questions: the blocking one drops the calls that arrive while
    # it waits for a reply.
    bus = open_dbus_connection("SYSTEM")
    reply = service.send_and_get_reply(message_bus.RequestName(NAME))
    if reply.header.message_type is not MessageType.method_return or reply.body[0] != 1:
        sys.exit(f"cannot own {NAME}: {reply.body}")
    print(f"D-Bus service {NAME} is running", flush=True)
    while True:
        message = service.receive()
        if message.header.message_type is MessageType.method_call:
            service.send(answer(bus, message))


main()
