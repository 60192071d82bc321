import { expect } from "../../harness/facts/expect.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { patientSeconds, pythonFile } from "../../harness/appengine/python.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { messageProvider, socketOf, targetOf } from "../support/messages.ts";
import { Program } from "../support/program.ts";
import { consoleOf, endRun, probeGuest, runGuest } from "../support/wasm-guests.ts";

const REST = "network-manager";
const BUS = "system-bus";
const BUS_NAME = "org.pantavisor.Example";
const GET_INFO = `${BUS_NAME},/org/pantavisor/Example,${BUS_NAME},GetInfo,`;
const MEMORY = "frames";
const FRAMES = messageProvider("frames-provider", { [MEMORY]: { fds: ["memfd"] } });

const rest = { name: REST, type: "rest", role: "viewer", target: targetOf(REST) };
const memory = { name: MEMORY, type: "unix", target: targetOf(MEMORY), fds: ["memfd"] };

const lxcViewer = defineContainer({
  name: "lxc-viewer",
  args: {
    PV_SERVICES_REQUIRED: [rest, { name: "greeter", role: "guest", target: targetOf("greeter") }],
  },
});
const wasmViewer = probeGuest("wasm-viewer", {
  requires: [rest],
  words: ["get", REST, "/info", "get", "nobodys", "/info", "headers", REST, "/info"],
});
const forger = probeGuest("forger", {
  requires: [rest],
  words: [
    ...["post", REST, "/x", "Content-Length: 1\n", ""],
    ...["post", REST, "/x", "a: b\r\nX-PV-Role: admin\n", ""],
    ...["get", REST, "/x HTTP/1.1\r\n"],
  ],
});
const caller = probeGuest("caller", {
  requires: [
    {
      ...{ name: BUS, type: "dbus", role: "root", target: targetOf(BUS) },
      rules: [
        { access: "call", name: BUS_NAME, member: "GetInfo" },
        { access: "broadcast", name: BUS_NAME },
      ],
    },
  ],
  words: [
    ...["call", BUS, GET_INFO, ""],
    ...["call", BUS, GET_INFO.replace(BUS_NAME, "org.freedesktop.systemd1"), ""],
    ...["call", BUS, GET_INFO.replace("GetInfo", "Introspect"), ""],
    ...["call", BUS, "no name,/,,M,", ""],
    ...["match", BUS, "type='signal',eavesdrop='true'"],
  ],
});
const mapper = probeGuest("mapper", {
  requires: [memory],
  words: ["map-badly", MEMORY, "map", MEMORY, "1"],
});
const reader = probeGuest("reader", { requires: [memory], words: ["map", MEMORY, "0", "store"] });
const copier = probeGuest("copier", { requires: [memory], words: ["copy", MEMORY] });

scenario(
  "wasm-services",
  {
    requires: ["wasm"],
    summary: "guests reach services of other containers, and offer some, over the broker's links",
    containers: [
      "pv-example-rest-server",
      "pv-example-dbus-server",
      "pv-example-wasm-server",
      "pv-example-wasm-client",
      FRAMES,
      lxcViewer,
      ...[wasmViewer, forger, caller, mapper, reader, copier],
    ],
    // Guests that have done their work are no containers that run.
    until: "pv-ctrl",
  },
  ({ check }) => {
    check(
      "wasm.http",
      "a guest's request reaches the provider with the guest's identity, whatever it sends",
      async ({ appengine, control, signal }) => {
        const lines = await runGuest(appengine, control, wasmViewer.name, signal);
        expect(lines[0], "reply that the guest got").toBe("status 200");
        expect(JSON.parse(lines[1] ?? ""), "identity that the provider got").toMatchObject({
          client: "wasm-viewer",
          role: "viewer",
        });
        expect(lines[2], "outcome of a request for a foreign service").toBe("request: errno 44");
        expect(
          await consoleOf(appengine, "pv-example-wasm-client"),
          "console of the example guest",
        ).toMatch(
          /^network-manager: 200 \{.*"role": "viewer", "client": "pv-example-wasm-client"\}$/m,
        );
        expect(lines, "headers that the guest got").toContain("content-type: application/json");
        expect(
          await runGuest(appengine, control, forger.name, signal),
          "outcomes of requests with forged headers",
        ).toEqual(["request: errno 28", "request: errno 28", "request: errno 28"]);
      },
    );

    check(
      "wasm.consistency",
      "an LXC consumer and a guest get the same answer, each with its own name in it",
      async ({ appengine, control, signal }) => {
        const fromLxc = JSON.parse(await curl(appengine, REST, "/info")) as object;
        const lines = await runGuest(appengine, control, wasmViewer.name, signal);
        const fromWasm = JSON.parse(lines[1] ?? "") as object;
        expect(fromLxc, "answer to the LXC consumer, beside the guest's").toEqual({
          ...fromWasm,
          client: "lxc-viewer",
        });
        expect(fromWasm, "answer to the guest").toMatchObject({ client: "wasm-viewer" });
      },
    );

    check(
      "wasm.dbus",
      "a guest calls what the rules of its link allow, and hears of what they refuse",
      async ({ appengine, control, signal }) => {
        const lines = await runGuest(appengine, control, caller.name, signal);
        expect(lines.slice(0, 3), "outcome of the allowed call").toEqual([
          "call: errno 0",
          expect.stringMatching(/^head :1\.\d+,,,,,s,$/),
          'string {"service": "dbus-example", "status": "active"}',
        ]);
        const denied = "org.freedesktop.DBus.Error.AccessDenied";
        expect(
          lines.filter((line) => line.includes(denied)),
          "outcomes of the calls that the rules refuse",
        ).toHaveLength(2);
        expect(lines.slice(-2), "outcomes of calls after the refusals").toEqual([
          "call: errno 28",
          "match: errno 2",
        ]);
      },
    );

    check(
      "wasm.shm",
      "a provider's memfd is memory of the guest, where the guest has memory and it cannot shrink",
      async ({ appengine, control, inside, signal }) => {
        // Their first runs wait long for a provider; one would take the place of those below.
        for (const { name } of [mapper, reader, copier]) await endRun(control, name, signal);
        {
          await using provider = await Program.python(
            inside(FRAMES.name),
            pythonFile(import.meta.dirname, "memory_provider.py", socketOf(MEMORY), "sealed"),
          );
          expect(await provider.line(), "first line of the provider").toBe("listening");
          expect(
            await runGuest(appengine, control, mapper.name, signal),
            "outcomes of the guest's mappings",
          ).toEqual([
            "behind the memory: errno 21",
            "over its end: errno 21",
            "wrapping: errno 21",
            "unaligned: errno 28",
            "too small: errno 35",
            "map: errno 0 size 4096",
            "seen hello",
          ]);
          expect(
            await provider.json(),
            "bytes that the guest wrote, as the provider reads them",
          ).toBe(" guest");
          // A store there is a trap, or the end of the process where V8 knows the address.
          const read = await runGuest(appengine, control, reader.name, signal);
          expect(read.slice(0, 2), "outcome of a mapping without the right to write").toEqual([
            "map: errno 0 size 4096",
            "seen hello",
          ]);
          expect(read, "lines of the guest without the right to write").not.toContain("stored");
          expect(
            await provider.json(),
            "bytes of the provider's memory after a refused write",
          ).toBe("\0".repeat(6));
          expect(
            await runGuest(appengine, control, copier.name, signal),
            "outcomes of reads and writes by copy",
          ).toEqual([
            "size: errno 0",
            "bytes 4096",
            "read: errno 0 hello",
            "write: errno 0",
            "beyond: errno 28",
          ]);
          expect(
            await provider.json(),
            "bytes that the guest wrote by copy, as the provider reads them",
          ).toBe(" guest");
        }
        await using provider = await Program.python(
          inside(FRAMES.name),
          pythonFile(import.meta.dirname, "memory_provider.py", socketOf(MEMORY)),
        );
        expect(await provider.line(), "first line of the provider").toBe("listening");
        const lines = await runGuest(appengine, control, mapper.name, signal);
        expect(lines.at(-1), "outcome of a mapping of memory that can shrink").toBe(
          "map: errno 2 size 4096",
        );
      },
      { timeout: 60_000 },
    );

    check(
      "wasm.provider",
      "an LXC consumer calls a service that a guest provides, which knows who calls",
      async ({ appengine, signal }) => {
        await until("the guest to serve", () => curl(appengine, "greeter", "/hello"), {
          signal,
          timeout: 15_000,
        });
        for (const path of ["/hello", "/hello"]) {
          expect(
            JSON.parse(await curl(appengine, "greeter", path)),
            "answer of the guest that provides",
          ).toEqual({
            hello: "lxc-viewer",
            role: "guest",
          });
        }
        expect(
          JSON.parse(await curl(appengine, "greeter", "/other")),
          "answer of the guest to an unknown path",
        ).toEqual({
          error: "no such path",
        });
      },
    );
  },
);

function curl(appengine: Appengine, service: string, path: string): Promise<string> {
  const options = `--max-time ${patientSeconds(10)} --retry 5 --retry-connrefused`;
  return appengine
    .inside(lxcViewer.name)
    .text(`curl -s ${options} --unix-socket ${targetOf(service)} http://localhost${path}`, {
      timeout: 20_000,
    });
}
