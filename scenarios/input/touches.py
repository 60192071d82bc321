"""Two fingers: slots that stay chosen over frames, beside events that no rule allows; then EOF."""

from probes import arguments, evdev, unix

(path,) = arguments()
X, PRESSURE = evdev.ABS_MT_POSITION_X, evdev.ABS_MT_PRESSURE
SLOT, ID = evdev.ABS_MT_SLOT, evdev.ABS_MT_TRACKING_ID


def send(*axes):
    peer.sendall(evdev.frame(*((evdev.EV_ABS, code, value) for code, value in axes)))


server = unix.listen(path)
print("listening")
peer = unix.accept(server, 60)
send((SLOT, 0), (ID, 10), (X, 100))
send((SLOT, 1), (ID, 11), (X, 200))
send((X, 210), (PRESSURE, 5))
# The slot comes in a frame of which else nothing may pass.
send((SLOT, 0), (PRESSURE, 6))
send((X, 110))
send((SLOT, 1), (ID, -1))
peer.close()
print("sent")
