"""Input events as links of type input carry them: 24 bytes each, in frames."""

import struct
import time

EVENT = struct.Struct("<qqHHi")
EV_SYN, EV_KEY, EV_REL, EV_ABS, EV_MSC = 0, 1, 2, 3, 4
SYN_REPORT, SYN_DROPPED = 0, 3
DROPPED = [[EV_SYN, SYN_DROPPED, 0]]
ABS_MT_SLOT, ABS_MT_POSITION_X, ABS_MT_TRACKING_ID, ABS_MT_PRESSURE = 0x2F, 0x35, 0x39, 0x3A


def frame(*events):
    """The bytes of a frame of (type, code, value) events that happen now."""
    seconds, nanoseconds = divmod(time.monotonic_ns(), 10**9)
    ended = (*events, (EV_SYN, SYN_REPORT, 0))
    return b"".join(EVENT.pack(seconds, nanoseconds // 1000, *event) for event in ended)


def frames(peer):
    """The frames up to EOF, each a list of [type, code, value] without its SYN_REPORT."""
    data, events = b"", []
    while part := peer.recv(65536):
        data += part
        whole = len(data) - len(data) % EVENT.size
        for _, _, *event in EVENT.iter_unpack(data[:whole]):
            if event[:2] == [EV_SYN, SYN_REPORT]:
                yield events
                events = []
            else:
                events.append(event)
        data = data[whole:]
    if data or events:
        raise ValueError(f"EOF within a frame: {events}, {len(data)} bytes")


def slots(frame_list):
    """Axes by slot, as a reader of multi-touch protocol B keeps them."""
    slot, axes = 0, {}
    for kind, code, value in (event for events in frame_list for event in events):
        if (kind, code) == (EV_ABS, ABS_MT_SLOT):
            slot = value
        elif kind == EV_ABS and code > ABS_MT_SLOT:
            axes.setdefault(slot, {})[code] = value
    return axes
