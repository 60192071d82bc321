"""A D-Bus connection with a real client library, jeepney."""

from jeepney import DBusAddress, HeaderFields, MessageType, new_method_call
from jeepney.io.blocking import open_dbus_connection

from probes import patient

DRIVER = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")


def facts(message):
    """What a scenario is told of a message."""
    field = message.header.fields.get
    return {
        "type": message.header.message_type.name,
        "interface": field(HeaderFields.interface),
        "member": field(HeaderFields.member),
        "sender": field(HeaderFields.sender),
        "body": list(message.body),
    }


class Peer:
    """A connection that remembers what it heard while it waited for replies."""

    def __init__(self):
        self.bus = open_dbus_connection("SYSTEM")
        self.heard = []

    @property
    def name(self):
        return self.bus.unique_name

    def send(self, message):
        serial = next(self.bus.outgoing_serial)
        self.bus.send(message, serial=serial)
        return serial

    def ask(self, message):
        """The reply's body, or the error's name without org.freedesktop.DBus.Error."""
        serial = self.send(message)
        while True:
            reply = self.bus.receive(timeout=patient(5))
            fields = reply.header.fields
            if fields.get(HeaderFields.reply_serial) != serial:
                self.heard.append(facts(reply))
            elif reply.header.message_type is MessageType.error:
                return fields[HeaderFields.error_name].replace("org.freedesktop.DBus.Error.", "")
            else:
                return list(reply.body)

    def call(self, name, interface, member, signature=None, body=()):
        address = DBusAddress("/p", name, interface)
        return self.ask(new_method_call(address, member, signature, body))

    def driver(self, member, signature=None, *body):
        return self.ask(new_method_call(DRIVER, member, signature, body))

    def heard_until(self, member):
        while not any(message["member"] == member for message in self.heard):
            self.heard.append(facts(self.bus.receive(timeout=patient(5))))
        return self.heard
