"""A keyboard of sway's, made by a direct client. Presses the keys whose codes it reads."""

import os
import sys

from probes import arguments, tell, wayland

path, keymap = arguments()
MANAGER = "zwp_virtual_keyboard_manager_v1"

client = wayland.Client(path)
seat = client.bind(client.name_of("wl_seat"), "wl_seat", 1)
manager = client.bind(client.name_of(MANAGER), MANAGER, 1)
keyboard = client.new_id()
client.request(manager, 0, seat, keyboard)
text = keymap.encode() + b"\0"
memory = wayland.shared_memory(len(text))
os.pwrite(memory, text, 0)
client.request(keyboard, 0, 1, len(text), fds=[memory])
client.sync()
tell("plugged in")
for line in sys.stdin:
    for code in line.split():
        for state in (1, 0):
            client.request(keyboard, 1, 0, int(code), state)
    client.sync()
    tell("typed")
