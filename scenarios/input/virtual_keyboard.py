"""A keyboard of this program's own, through uinput; tells its node's minor.

Presses and releases B, then A, at each line.
"""

import fcntl
import glob
import os
import struct
import sys

from probes import evdev, tell

# linux/uinput.h
UI_DEV_CREATE, UI_DEV_SETUP, UI_GET_SYSNAME = 0x5501, 0x405C5503, 0x8040552C
UI_SET_EVBIT, UI_SET_KEYBIT = 0x40045564, 0x40045565

if not os.path.exists("/dev/uinput"):
    os.mknod("/dev/uinput", 0o20600, os.makedev(10, 223))
device = os.open("/dev/uinput", os.O_WRONLY)
fcntl.ioctl(device, UI_SET_EVBIT, evdev.EV_KEY)
for key in (30, 48):
    fcntl.ioctl(device, UI_SET_KEYBIT, key)
fcntl.ioctl(device, UI_DEV_SETUP, struct.pack("4H80sI", 3, 1, 2, 3, b"Scenario keyboard", 0))
fcntl.ioctl(device, UI_DEV_CREATE)
name = fcntl.ioctl(device, UI_GET_SYSNAME, bytes(64)).rstrip(b"\0").decode()
(numbers,) = glob.glob(f"/sys/devices/virtual/input/{name}/event*/dev")
with open(numbers) as file:
    tell(int(file.read().split(":")[1]))
for _ in sys.stdin:
    for key in (48, 30):
        for value in (1, 0):
            os.write(device, evdev.frame((evdev.EV_KEY, key, value)))
