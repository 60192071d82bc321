"""What the scenarios' Python programs share, in containers and in the appengine."""

import json
import os
import sys
import time


def patient(seconds):
    """A time-out that this machine can keep: PVH_STRETCH says how much slower it is now."""
    return seconds * float(os.environ.get("PVH_STRETCH", "1"))


def arguments():
    """The values that the scenario gave the program, each sent as JSON."""
    return [json.loads(argument) for argument in sys.argv[1:]]


def tell(value):
    """Print a value as one line of JSON, for Program.json()."""
    print(json.dumps(value), flush=True)


def hold():
    """Keep all that is open until the scenario says a line or lets go of the program."""
    sys.stdin.readline()


def wait_for(test, seconds):
    """Ask until the answer is true or the time is over; gives the last answer."""
    deadline = time.monotonic() + patient(seconds)
    while not test() and time.monotonic() < deadline:
        time.sleep(0.01)
    return test()
