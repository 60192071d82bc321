import { join } from "node:path";
import type { Appengine } from "../appengine/appengine.ts";
import { CONTROL_SOCKET, LOG_ROOT } from "../appengine/layout.ts";
import type { PythonProgram } from "../appengine/python.ts";
import { python } from "../appengine/python.ts";
import { defineContainer } from "../exports/container-definition.ts";
import { PROJECT } from "../image/sources.ts";
import { shellQuote } from "../shell-quote.ts";
import { medianOf } from "./figures.ts";

const CALLS = 3000;
const SERVICE = "network-manager";
const TARGET = `/run/pv/services/${SERVICE}.sock`;
const rest = { name: SERVICE, type: "rest", role: "viewer", target: TARGET };
const other = (type: string) => ({ name: type, type, target: `/run/${type}.sock` });

/** Both ask the same provider over links of their own, one request after the other. */
const LXC = defineContainer({ name: "lxc-asks", args: { PV_SERVICES_REQUIRED: [rest] } });
const GUEST = defineContainer({
  name: "guest-asks",
  module: join(PROJECT, "scenarios/wasm/guests/probe.wasm"),
  args: {
    PV_RESTART_POLICY: "container",
    PV_AUTO_RECOVERY: { policy: "no" },
    PV_SERVICES_REQUIRED: [rest],
    PV_SERVICES_OPTIONAL: [other("dbus"), other("unix")],
    PV_WASM: { args: ["bench", SERVICE, "/info", String(CALLS)] },
  },
});
export const ASKING = ["pv-example-rest-server", LXC, GUEST];

export interface GuestFigures {
  /** Microseconds that an HTTP call takes a guest more than an LXC consumer; medians. */
  readonly callAbove: number;
  /** Start of a guest, from the request to STARTED, as a multiple of a bare start of Node. */
  readonly startRatio: number;
}

/**
 * Calls of a guest and of an LXC consumer, in turns, so that a machine that gets slower does so for
 * both.
 */
export async function measureGuest(
  appengine: Appengine,
  signal: AbortSignal,
): Promise<GuestFigures> {
  const above: number[] = [];
  const ratios: number[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const fromLxc = Number(
      await appengine.inside(LXC.name).python(LXC_CALLS, { signal, timeout: 60_000 }),
    );
    const script = `python3 -c ${shellQuote(RUN_GUEST)}`;
    const stdout = await appengine.text(script, { signal, timeout: 90_000 });
    const [ratio, fromGuest] = JSON.parse(stdout) as [number, number];
    above.push(fromGuest - fromLxc);
    ratios.push(ratio);
  }
  return { callAbove: medianOf(above) ?? NaN, startRatio: medianOf(ratios) ?? NaN };
}

/** The least that a consumer can do: one write and one read for each call. */
const LXC_CALLS: PythonProgram = python`
  import time
  from probes import unix
  peer, took = unix.connect(${TARGET}), []
  request = b"GET /info HTTP/1.1\r\nHost: localhost\r\n\r\n"
  for _ in range(${CALLS}):
      begun = time.monotonic()
      peer.sendall(request); reply = peer.recv(65536)
      while not reply.endswith(b"}"): reply += peer.recv(65536)
      took.append(time.monotonic() - begun)
  print(sorted(took)[len(took) // 2] * 1e6)
`;

const RUN_GUEST = `
import http.client, json, re, socket, subprocess, time
class Control(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("${CONTROL_SOCKET}")
control = Control("localhost")
def ask(method, path, body=None):
    control.request(method, path, body)
    return control.getresponse().read()
def status():
    all = json.loads(ask("GET", "/containers"))
    return next(one["status"] for one in all if one["name"] == "${GUEST.name}")
def wait(*wanted):
    while status() not in wanted: time.sleep(0.001)
wait("STOPPED")
begun = time.monotonic()
subprocess.run(["/usr/lib/pvh/node", "-e", "0"], check=True)
bare = time.monotonic() - begun
begun = time.monotonic()
ask("PUT", "/containers/${GUEST.name}", json.dumps({"action": "start"}))
wait("STARTED", "STOPPED")
took = time.monotonic() - begun
wait("STOPPED")
log = open("${LOG_ROOT}/0/${GUEST.name}/wasm/console.log").read()
print(json.dumps([took / bare, int(re.findall("failed 0 median (\\\\d+) us", log)[-1])]))
`;
