import { defineContainer } from "../../harness/exports/container-definition.ts";

/**
 * Containers for checks of the rest link that bring their own HTTP programs: a provider that
 * exports `web`, which may change its protocol to `echo`, and `guarded`, which has rules per
 * role; a consumer for each of two roles.
 */
export const WEB_SOCKET = "/run/web/web.sock";
export const GUARDED_SOCKET = "/run/web/guarded.sock";
export const WEB_TARGET = "/run/pv/services/web.sock";
export const GUARDED_TARGET = "/run/pv/services/guarded.sock";

export const restProvider = defineContainer({
  name: "rest-provider",
  args: { PV_RESTART_POLICY: "container" },
  services: [
    { name: "web", type: "rest", socket: WEB_SOCKET, upgrade: ["echo"] },
    {
      name: "guarded",
      type: "rest",
      socket: GUARDED_SOCKET,
      rules: [
        { methods: ["GET", "POST"], path: "/public" },
        { methods: ["GET", "POST"], path: "/state", role: "viewer" },
        { path: "/", role: "admin" },
      ],
    },
  ],
});

export const restViewer = consumer("rest-viewer", "viewer");
export const restAdmin = consumer("rest-admin", "admin");

function consumer(name: string, role: string): ReturnType<typeof defineContainer> {
  return defineContainer({
    name,
    args: {
      PV_RESTART_POLICY: "container",
      PV_SERVICES_REQUIRED: [
        { name: "web", type: "rest", role, target: WEB_TARGET },
        // The rules of this consumer narrow the rules of the export.
        {
          name: "guarded",
          type: "rest",
          role,
          target: GUARDED_TARGET,
          rules: [{ methods: ["GET", "DELETE"] }],
        },
      ],
    },
  });
}

/**
 * Python: `serve(path, handle)` listens and calls `handle(peer, file)` for each connection on a
 * thread of its own; `read_head(file)` gives method, target and a dict of lower-case fields, or
 * None at the end.
 */
export const SERVE = `
import hashlib, json, os, socket, threading, time
def serve(path, handle):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    try: os.unlink(path)
    except FileNotFoundError: pass
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(128)
    def accept():
        while True:
            peer, _ = server.accept()
            threading.Thread(target=run, args=(peer,), daemon=True).start()
    def run(peer):
        try: handle(peer, peer.makefile("rb"))
        except OSError: pass
        finally:
            try: peer.shutdown(socket.SHUT_RDWR)
            except OSError: pass
            peer.close()
    threading.Thread(target=accept, daemon=True).start()
def read_head(file):
    line = file.readline().decode("latin1").split()
    if not line: return None
    fields = {}
    while True:
        text = file.readline().decode("latin1").strip()
        if not text: return line[0], line[1], fields
        name, _, value = text.partition(":")
        fields[name.lower()] = value.strip()
`;

/** Python: `connect(path)` gives a socket with a 5 s limit on each call; `read_until(peer, end)`. */
export const DIAL = `
import hashlib, json, socket, time
def connect(path):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(patient(5))
    peer.connect(path)
    return peer
def read_until(peer, end=None):
    data = b""
    while end is None or not data.endswith(end):
        part = peer.recv(65536)
        if not part: break
        data += part
    return data
`;
