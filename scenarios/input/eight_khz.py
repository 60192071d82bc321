"""Send so many frames at 8 kHz, as a fast mouse does, then EOF; tells frames per second.

After a pause, which a busy machine may force on it, it goes on at this rate and makes up for nothing.
"""

import time

from probes import arguments, evdev, tell, unix

path, count = arguments()
server = unix.listen(path)
print("listening")
peer = unix.accept(server, 60)
input()
began = due = time.monotonic()
for number in range(count):
    now = time.monotonic()
    if due > now:
        time.sleep(due - now)
    # Frames of ten milliseconds at once, at most.
    due = max(due, now - 0.01) + 1 / 8000
    peer.sendall(evdev.frame((evdev.EV_REL, 0, number), (evdev.EV_REL, 1, -number)))
peer.close()
tell(round(count / (time.monotonic() - began)))
