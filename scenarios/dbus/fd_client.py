"""Call org.pvh.Fds 20 times with two pipes each; tells the texts that it gives back.

Then prints the error of a call with a memfd, which the requirement does not list.
"""

import os

from jeepney import DBusAddress, HeaderFields, new_method_call
from jeepney.io.blocking import open_dbus_connection
from probes import fds, patient, tell

bus = open_dbus_connection("SYSTEM", enable_fds=True)
service = DBusAddress("/p", "org.pvh.Fds", "org.pvh.Fine")


def call(sent):
    message = new_method_call(service, "Take", "ah", (sent,))
    reply = bus.send_and_get_reply(message, timeout=patient(5))
    for fd in sent:
        os.close(fd)
    return reply


rounds = []
for at in range(20):
    sent = [fds.pipe(f"{at} {word}".encode()) for word in ("one", "two")]
    texts, received = call(sent).body
    rounds.append([texts, [fd.to_file("r").read() for fd in received]])
tell(rounds)
print(call([os.memfd_create("x")]).header.fields[HeaderFields.error_name])
