"""File descriptors to send, and what is in those that came."""

import fcntl
import os
import struct


def pipe(content):
    """The reading end of a pipe that has this content and no writer."""
    read, write = os.pipe()
    os.write(write, content)
    os.close(write)
    return read


def contents(fds):
    """Text of each, which is closed."""
    texts = []
    for fd in fds:
        with os.fdopen(fd) as file:
            texts.append(file.read())
    return texts


def memory(size, seals):
    """A memfd of this size under these seals, fcntl(2)."""
    memfd = os.memfd_create("memory", os.MFD_ALLOW_SEALING)
    os.ftruncate(memfd, size)
    fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, seals)
    return memfd


def dmabuf(device, memfd, size):
    """A dmabuf of a memfd's memory: UDMABUF_CREATE, linux/udmabuf.h."""
    # struct { u32 memfd, flags; u64 offset, size; }
    # ioctl() gives its result only for a buffer that can be changed, otherwise the buffer.
    create = bytearray(struct.pack("IIQQ", memfd, 0, 0, size))
    return fcntl.ioctl(os.open(device, os.O_RDWR), 0x40187542, create)


def of_kind(kind):
    """An fd of the kind that has this name."""
    return {
        "directory": lambda: os.open("/", os.O_RDONLY | os.O_DIRECTORY),
        "path": lambda: os.open("/etc/passwd", os.O_PATH),
        "file": lambda: os.open("/etc/passwd", os.O_RDONLY),
        "pidfd": lambda: os.pidfd_open(os.getpid()),
        "memfd": lambda: os.memfd_create("m"),
        "eventfd": lambda: os.eventfd(0),
    }[kind]()
