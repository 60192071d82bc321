"""Send so many frames at 8 kHz, as a fast mouse does, then EOF; tells frames per second."""

import time

from probes import arguments, evdev, tell, unix

path, count = arguments()
server = unix.listen(path)
print("listening")
peer = unix.accept(server, 60)
input()
began = time.monotonic()
sent = 0
while sent < count:
    due = min(count, int((time.monotonic() - began) * 8000) + 1)
    for number in range(sent, due):
        peer.sendall(evdev.frame((evdev.EV_REL, 0, number), (evdev.EV_REL, 1, -number)))
    sent = due
    time.sleep(1 / 8000)
peer.close()
tell(round(count / (time.monotonic() - began)))
