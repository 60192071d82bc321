import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import type { JsonObject } from "../../harness/exports/json-value.ts";
import { until } from "../../harness/until.ts";
import { Program } from "./program.ts";

const SOCKET = "/run/dbus/system_bus_socket";

/**
 * A provider of the service `bus`: a bus on which everybody may do everything. Fds pass to
 * consumers that ask for them.
 */
export const OPEN_BUS = "open-bus";
export const openBus = defineContainer({
  name: OPEN_BUS,
  args: { PV_RESTART_POLICY: "container" },
  services: [{ name: "bus", type: "dbus", socket: SOCKET, fds: ["pipe", "memfd"] }],
});

/** A consumer of it, uid 0 there unless `requirement` says otherwise. */
export const busConsumer = (name: string, requirement: JsonObject) =>
  defineContainer({
    name,
    args: {
      PV_RESTART_POLICY: "container",
      PV_SERVICES_REQUIRED: [
        { name: "bus", type: "dbus", role: "root", target: SOCKET, ...requirement },
      ],
    },
  });

/**
 * Configuration of a real daemon that allows everything on this bus, so that every refusal is the
 * broker's. The scenarios learn of the daemon's start and end by asking it.
 */
const CONFIGURATION = `<busconfig>
  <type>system</type>
  <listen>unix:path=${SOCKET}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/> <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/> <allow receive_sender="*" eavesdrop="true"/>
    <allow send_destination="*" send_requested_reply="false" send_type="method_return"/>
    <allow receive_sender="*" receive_requested_reply="false" receive_type="method_return"/>
  </policy>
</busconfig>`;

/** Start the daemon, once. */
export async function startBus(provider: InsideContainer, signal: AbortSignal): Promise<void> {
  const question = "busctl --system call org.freedesktop.DBus / org.freedesktop.DBus GetId";
  const isUp = async () => {
    const { exitCode, stdout } = await provider.sh(question);
    return exitCode === 0 && stdout.startsWith("s ");
  };
  if (await isUp()) return;
  await provider.text(
    `mkdir -p /run/dbus /tmp; cat > /tmp/open.conf <<'END'
${CONFIGURATION}
END
dbus-daemon --config-file=/tmp/open.conf --fork --nopidfile`,
    { timeout: 10_000 },
  );
  await until("the bus to answer", isUp, { signal, timeout: 10_000 });
}

/** Python on jeepney, for both ends. */
const PEER = `
import json, select, sys
from jeepney import DBusAddress, HeaderFields, Message, MessageFlag, MessageType, new_method_call, new_method_return, new_signal
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import open_dbus_connection
DRIVER = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
def facts(message):
    field = message.header.fields.get
    return {"type": message.header.message_type.name, "interface": field(HeaderFields.interface),
        "member": field(HeaderFields.member), "sender": field(HeaderFields.sender), "body": list(message.body)}
class Peer:
    def __init__(self):
        self.bus = open_dbus_connection("SYSTEM")
        self.heard = []
    @property
    def name(self): return self.bus.unique_name
    def send(self, message):
        serial = next(self.bus.outgoing_serial)
        self.bus.send(message, serial=serial)
        return serial
    def ask(self, message):
        serial = self.send(message)
        while True:
            reply = self.bus.receive(timeout=patient(5))
            if reply.header.fields.get(HeaderFields.reply_serial) != serial:
                self.heard.append(facts(reply))
            elif reply.header.message_type is MessageType.error:
                return reply.header.fields[HeaderFields.error_name].replace("org.freedesktop.DBus.Error.", "")
            else:
                return list(reply.body)
    def call(self, name, interface, member, signature=None, body=()):
        return self.ask(new_method_call(DBusAddress("/p", name, interface), member, signature, body))
    def driver(self, member, signature=None, *body):
        return self.ask(new_method_call(DRIVER, member, signature, body))
    def heard_until(self, member):
        while not any(message["member"] == member for message in self.heard):
            self.heard.append(facts(self.bus.receive(timeout=patient(5))))
        return self.heard
`;

/**
 * Peers in the provider itself, one connection for each name, which answer every call with
 * their own name and do as they are told.
 */
export class BusServices implements AsyncDisposable {
  readonly #program: Program;
  /** Unique name of each. */
  readonly uniqueNames: Readonly<Record<string, string>>;

  private constructor(program: Program, uniqueNames: Readonly<Record<string, string>>) {
    this.#program = program;
    this.uniqueNames = uniqueNames;
  }

  static async start(
    provider: InsideContainer,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<BusServices> {
    await startBus(provider, signal);
    const program = await Program.python(
      provider,
      `${PEER}
peers = {}
def own(name):
    peers[name] = Peer()
    assert peers[name].driver("RequestName", "su", name, 4) == [1], name
for name in ${JSON.stringify(names)}: own(name)
print(json.dumps({name: peer.name for name, peer in peers.items()}))
def serve(name, peer):
    while True:
        try: message = peer.bus.receive(timeout=0)
        except TimeoutError: return
        peer.heard.append(facts(message))
        if message.header.message_type is MessageType.method_call:
            peer.send(new_method_return(message, "s", (name,)))
def obey(name, order, *words):
    if order == "own": own(name)
    elif order == "leave": peers.pop(name).bus.close()
    elif order == "signal":
        destination, interface, member = words
        signal = new_signal(DBusAddress("/p", None, interface), member)
        if destination: signal.header.fields[HeaderFields.destination] = destination
        peers[name].send(signal)
    elif order == "return":
        destination, serials = words
        for serial in range(2, serials):
            message = new_method_return(new_method_call(DBusAddress("/p", destination, "a.b"), "C"), "s", ("forged",))
            message.header.fields[HeaderFields.reply_serial] = serial
            message.header.fields[HeaderFields.destination] = destination
            peers[name].send(message)
    elif order == "heard": return peers[name].heard
    return None
sys.stdin = open(0, "rb", buffering=0)
while True:
    ready, _, _ = select.select([0] + [peer.bus.sock for peer in peers.values()], [], [])
    for name, peer in list(peers.items()):
        if peer.bus.sock in ready: serve(name, peer)
    if 0 in ready:
        line = sys.stdin.readline()
        if not line: sys.exit()
        print(json.dumps(obey(*json.loads(line))))
`,
    );
    return new BusServices(program, (await program.json()) as Record<string, string>);
  }

  /** Another name, or the end of one with its connection. */
  async own(name: string): Promise<void> {
    await this.#order(name, "own");
  }

  async leave(name: string): Promise<void> {
    await this.#order(name, "leave");
  }

  /** @param destination a unique name, or null for everybody */
  async signal(
    name: string,
    destination: string | null,
    interfaceName: string,
    member: string,
  ): Promise<void> {
    await this.#order(name, "signal", destination, interfaceName, member);
  }

  /** Replies to calls of `destination` with serials from 2 to below this, never received. */
  async forgeReplies(name: string, destination: string, serials: number): Promise<void> {
    await this.#order(name, "return", destination, serials);
  }

  /** All that a service has received, calls and signals. */
  async heard(name: string): Promise<readonly Heard[]> {
    return (await this.#order(name, "heard")) as readonly Heard[];
  }

  async #order(...words: readonly unknown[]): Promise<unknown> {
    this.#program.say(JSON.stringify(words));
    return await this.#program.json();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]();
  }
}

export interface Heard {
  readonly type: string;
  readonly interface: string | null;
  readonly member: string | null;
  readonly sender: string | null;
  readonly body: readonly unknown[];
}

/**
 * Python with `peer`, a bus connection of the consumer's: `peer.call(name, interface, member)`
 * and `peer.driver(member, signature, …)` give the reply's body, or the error's name without
 * org.freedesktop.DBus.Error; `say(value)` prints it, `hear()` waits for a line.
 */
export function busClient(consumer: InsideContainer, source: string): Promise<Program> {
  return Program.python(
    consumer,
    `${PEER}
def say(value): print(json.dumps(value))
def hear(): return input()
peer = Peer()
${source}`,
  );
}
