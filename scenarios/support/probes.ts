import { defineContainer } from "../../harness/exports/container-definition.ts";

/**
 * Idle containers for checks that bring their own programs: a provider that exports the unix
 * service `probe`, and a consumer that requires it.
 */
export const PROBE_SOCKET = "/run/probe/p.sock";
export const PROBE_TARGET = "/run/pv/services/probe.sock";

export const probeProvider = defineContainer({
  name: "probe-provider",
  args: { PV_RESTART_POLICY: "container" },
  services: [{ name: "probe", type: "unix", socket: PROBE_SOCKET }],
});

export const probeConsumer = defineContainer({
  name: "probe-consumer",
  args: {
    PV_RESTART_POLICY: "container",
    PV_SERVICES_REQUIRED: [{ name: "probe", type: "unix", target: PROBE_TARGET }],
  },
});

/** Python: `server`, listening at the probe's socket; says "listening". */
export const LISTEN = `
import os, socket, json, time
os.makedirs(os.path.dirname("${PROBE_SOCKET}"), exist_ok=True)
try: os.unlink("${PROBE_SOCKET}")
except FileNotFoundError: pass
server = socket.socket(socket.AF_UNIX)
server.bind("${PROBE_SOCKET}")
server.listen(64)
print("listening")
def read_to_end(peer):
    data = b""
    while True:
        part = peer.recv(65536)
        if not part: return data
        data += part
`;

/** Python: `connect()` gives a socket to the injected target with a 3 s limit on each call. */
export const CONNECT = `
import socket, json, time
def connect():
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(patient(3))
    peer.connect("${PROBE_TARGET}")
    return peer
def read_to_end(peer):
    data = b""
    while True:
        part = peer.recv(65536)
        if not part: return data
        data += part
`;
