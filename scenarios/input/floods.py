"""Press A, send 3 MB of movement, press B and release A; then wait for a line."""

from probes import arguments, evdev, hold, unix

(path,) = arguments()
server = unix.listen(path)
print("listening")
peer = unix.accept(server, 60)
peer.sendall(evdev.frame((evdev.EV_KEY, 30, 1)))
input()
for number in range(400):
    peer.sendall(evdev.frame((evdev.EV_REL, 0, number)) * 160)
peer.sendall(evdev.frame((evdev.EV_KEY, 48, 1)))
peer.sendall(evdev.frame((evdev.EV_KEY, 30, 0)))
hold()
