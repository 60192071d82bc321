import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { RealBus, obstacle } from "./real-bus.fixture.ts";

const run = promisify(execFile);

/** Debian's Python: only it has Debian's python3-* packages. */
const PYTHON = "/usr/bin/python3";
const TOOLS = ["gdbus", "dbus-test-tool", "dbus-monitor"];

/** Rules for all five accesses on every name, and for monitoring. */
const EVERYTHING = [
  ...(["see", "talk", "own", "call", "broadcast"] as const).map((access) => ({
    access,
    name: "*",
  })),
  { access: "call", interface: "org.freedesktop.DBus.Monitoring" } as const,
];

/** libdbus's own binding: a service, its client and a signal in one process. */
const DBUS_PYTHON = `
import dbus, dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib
DBusGMainLoop(set_as_default=True)
class Service(dbus.service.Object):
    @dbus.service.method("org.pvh.I", in_signature="s", out_signature="s")
    def Greet(self, name):
        self.Greeted(name)
        return "Hello " + name
    @dbus.service.signal("org.pvh.I", signature="s")
    def Greeted(self, name): pass
served, client = dbus.bus.BusConnection(ADDRESS), dbus.bus.BusConnection(ADDRESS)
name = dbus.service.BusName("org.pvh.Service", served)
Service(served, "/p")
loop, seen = GLib.MainLoop(), []
def on(what):
    seen.append(what)
    if len(seen) == 2: loop.quit()
client.add_signal_receiver(lambda name: on("signal " + name), "Greeted", "org.pvh.I", "org.pvh.Service")
remote = client.get_object("org.pvh.Service", "/p", introspect=False)
remote.Greet("you", dbus_interface="org.pvh.I", reply_handler=lambda text: on(str(text)), error_handler=on)
GLib.timeout_add_seconds(5, loop.quit)
loop.run()
print(sorted(seen))
`;

/** The same program with GDBus. */
const GI = `
from gi.repository import Gio, GLib
XML = """<node><interface name='org.pvh.I'><method name='Greet'><arg type='s' direction='in'/>
<arg type='s' direction='out'/></method><signal name='Greeted'><arg type='s'/></signal></interface></node>"""
flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
served, client = (Gio.DBusConnection.new_for_address_sync(ADDRESS, flags, None, None) for _ in range(2))
def greet(bus, sender, path, interface, method, parameters, invocation):
    bus.emit_signal(None, "/p", "org.pvh.I", "Greeted", parameters)
    invocation.return_value(GLib.Variant("(s)", ("Hello " + parameters[0],)))
served.register_object("/p", Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0], greet, None, None)
loop, seen = GLib.MainLoop(), []
def on(what):
    seen.append(what)
    if len(seen) == 2: loop.quit()
client.signal_subscribe("org.pvh.Service", "org.pvh.I", "Greeted", "/p", None, 0,
    lambda bus, sender, path, interface, signal, parameters: on("signal " + parameters[0]))
def call(*_):
    client.call("org.pvh.Service", "/p", "org.pvh.I", "Greet", GLib.Variant("(s)", ("you",)), None, 0, 5000, None,
        lambda bus, result: on(bus.call_finish(result)[0]))
Gio.bus_own_name_on_connection(served, "org.pvh.Service", 0, call, None)
GLib.timeout_add_seconds(5, loop.quit)
loop.run()
print(sorted(seen))
`;

const start = () => RealBus.start("root", "", { rules: [EVERYTHING] });
const addressOf = (bus: RealBus) => `unix:path=${bus.consumerPath}`;
const envOf = (bus: RealBus) => ({ ...process.env, DBUS_SESSION_BUS_ADDRESS: addressOf(bus) });

function lacking(): string | undefined {
  const missing = TOOLS.filter((tool) => spawnSync(tool, ["--help"]).error !== undefined);
  return obstacle() ?? (missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`);
}

const why = lacking();
const title = (of: string, reason = "") => (reason === "" ? of : `${of} (${reason})`);

describe.skipIf(why !== undefined)(title("through a link that allows everything", why), () => {
  test("the tools call a service that is behind it, too", async () => {
    await using bus = await start();
    const [address, env] = [addressOf(bus), envOf(bus)];
    const echo = spawn("dbus-test-tool", ["echo", "--session", "--name=org.pvh.Echo"], { env });
    const exited = once(echo, "exit");
    try {
      await run("gdbus", ["wait", "--session", "--timeout=10", "org.pvh.Echo"], { env });
      for (const [command, answer] of Object.entries({
        "dbus-send --session --print-reply --dest=org.pvh.Echo /p org.pvh.I.Go": "method return",
        [`busctl --address=${address} call org.pvh.Echo /p org.pvh.I Go`]: "",
        [`busctl --address=${address} list`]: "org.pvh.Echo",
        [`busctl --address=${address} introspect org.freedesktop.DBus /org/freedesktop/DBus`]:
          ".RequestName",
        "gdbus call --session --dest org.pvh.Echo --object-path /p --method org.pvh.I.Go": "()",
        "gdbus introspect --session --dest org.freedesktop.DBus --object-path /": "interface",
        "dbus-test-tool spam --session --dest=org.pvh.Echo --count=200 --queue=50": "",
      })) {
        const [file = "", ...args] = command.split(" ");
        expect((await run(file, args, { env, timeout: 10_000 })).stdout, command).toContain(answer);
      }
    } finally {
      echo.kill();
      await exited;
    }
  });

  test.each([
    ["dbus-monitor", ["--session"], "NameLost"],
    ["busctl", ["monitor"], "Monitoring bus message stream"],
  ])("%s sees what others send each other", async (file, args, isReady) => {
    await using bus = await start();
    const [address, env] = [addressOf(bus), envOf(bus)];
    const all = file === "busctl" ? [`--address=${address}`, ...args] : args;
    const monitor = spawn(file, all, { env, stdio: ["ignore", "pipe", "pipe"] });
    const exited = once(monitor, "exit");
    try {
      let text = "";
      const onData = (chunk: Buffer) => (text += chunk.toString());
      monitor.stdout.on("data", onData);
      monitor.stderr.on("data", onData);
      const has = (part: string) => vi.waitUntil(() => text.includes(part), { timeout: 10_000 });
      await has(isReady);
      const call = ["--session", "--dest=org.freedesktop.DBus", "/p", "org.pvh.I.Overheard"];
      await run("dbus-send", call, { env });
      await has("Overheard");
    } finally {
      monitor.kill();
      await exited;
    }
  });

  const noPython = spawnSync(PYTHON, ["-c", "import dbus, gi"]).status !== 0;
  describe.skipIf(noPython)(
    title("Python", noPython ? "no python3-dbus, python3-gi" : undefined),
    () => {
      test.each([
        ["python3-dbus", DBUS_PYTHON],
        ["python3-gi", GI],
      ])("%s serves, calls and hears", async (_name, program) => {
        await using bus = await start();
        const { stdout } = await run(PYTHON, ["-c", `ADDRESS = "${addressOf(bus)}"\n${program}`]);
        expect(stdout.trim()).toBe("['Hello you', 'signal you']");
      });
    },
  );
});
