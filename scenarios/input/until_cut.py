"""Send a key every 2 ms until the broker closes; tells the time of that (CLOCK_MONOTONIC, ms)."""

import time

from probes import arguments, evdev, tell, unix

(path,) = arguments()
server = unix.listen(path)
print("listening")
peer = unix.accept(server, 60)
value = 0
while True:
    value = 1 - value
    try:
        peer.sendall(evdev.frame((evdev.EV_KEY, 30, value)))
    except BrokenPipeError:
        break
    time.sleep(0.002)
tell(time.monotonic_ns() / 1e6)
