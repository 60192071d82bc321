"""Claim an identity as a first line, and beside bytes as a memfd and as credentials."""

import array
import os
import socket
import struct

from probes import arguments, hold, unix

lie, line_path, marked_path = arguments()
line = unix.connect(line_path)
line.sendall(lie.encode() + b"\n")
memfd = os.memfd_create("pvx-identity")
os.write(memfd, lie.encode())
marked = unix.connect(marked_path)
rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [memfd]))
ids = (socket.SOL_SOCKET, socket.SCM_CREDENTIALS, struct.pack("iII", os.getpid(), 0, 0))
marked.sendmsg([b"x"], [rights, ids])
print("sent")
hold()
