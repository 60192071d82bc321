"""Call pv-ctrl on a connection whose maker has gone; prints the reply.

A child connects and ends while pantavisor is held, so that nobody could look at it in time.
"""

import os
import signal
import socket

from probes import arguments, patient, unix

path, request, pantavisor = arguments()
peer = socket.socket(socket.AF_UNIX)
peer.settimeout(patient(5))
os.kill(pantavisor, signal.SIGSTOP)
try:
    child = os.fork()
    if child == 0:
        peer.connect(path)
        os._exit(0)
    os.waitpid(child, 0)
finally:
    os.kill(pantavisor, signal.SIGCONT)
print(unix.exchange(peer, request.encode("latin1")).decode("latin1"), end="")
