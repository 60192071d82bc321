import type { JsonObject } from "../../harness/exports/json-value.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";

/** Where the provider listens for a service, and where the consumer finds it. */
const socketOf = (name: string) => `/run/probe/${name}.sock`;
const targetOf = (name: string) => `/run/pv/services/${name}.sock`;

/** A container that exports unix services with these manifest extensions, by name. */
export function messageProvider(name: string, services: Readonly<Record<string, JsonObject>>) {
  return defineContainer({
    name,
    args: { PV_RESTART_POLICY: "container" },
    services: Object.entries(services).map(([service, extensions]) => ({
      name: service,
      type: "unix",
      socket: socketOf(service),
      ...extensions,
    })),
  });
}

/** A container that requires unix services with these keys, by name. */
export function messageConsumer(name: string, services: Readonly<Record<string, JsonObject>>) {
  return defineContainer({
    name,
    args: {
      PV_RESTART_POLICY: "container",
      PV_SERVICES_REQUIRED: Object.entries(services).map(([service, keys]) => ({
        name: service,
        type: "unix",
        target: targetOf(service),
        ...keys,
      })),
    },
  });
}

/**
 * Python: `listen(name)` and `connect(name)` for a service, `tell(value)` prints JSON,
 * `outcome(peer)` says how the connection ended.
 */
export const MESSAGES = `
import array, fcntl, json, mmap, os, socket, struct, threading, time
def listen(name, kind=socket.SOCK_STREAM):
    path = "/run/probe/%s.sock" % name
    os.makedirs("/run/probe", exist_ok=True)
    try: os.unlink(path)
    except FileNotFoundError: pass
    server = socket.socket(socket.AF_UNIX, kind)
    server.settimeout(patient(5))
    server.bind(path)
    server.listen(64)
    return server
def accept(server):
    peer, _ = server.accept()
    peer.settimeout(patient(5))
    return peer
def connect(name, kind=socket.SOCK_STREAM):
    peer = socket.socket(socket.AF_UNIX, kind)
    peer.settimeout(patient(5))
    peer.connect("/run/pv/services/%s.sock" % name)
    return peer
def receive(peer, size):
    data, control, flags, _ = peer.recvmsg(size, 2048)
    fds = array.array("i")
    for level, kind, value in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS): fds.frombytes(value)
    return data, list(fds), control
def outcome(peer):
    try: return "%d bytes" % len(peer.recv(1)) if peer.recv(1) else "EOF"
    except TimeoutError: return "nothing"
    except OSError as error: return type(error).__name__
def tell(value): print(json.dumps(value))
`;
