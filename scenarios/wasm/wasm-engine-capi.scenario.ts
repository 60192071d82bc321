import { expect } from "../../harness/facts/expect.ts";
import { findWasmEdge } from "../../harness/run/find-wasmedge.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { targetOf } from "../support/messages.ts";
import { waitForStatus } from "../support/steps.ts";
import { consoleOf, guest, probeGuest, runGuest } from "../support/wasm-guests.ts";
import { installWasmEdge } from "../support/wasmedge.ts";

const REST = "network-manager";
const rest = { name: REST, type: "rest", role: "viewer", target: targetOf(REST) };
const wasm = { engine: "wasmedge", memory_pages: 100 };

const WORDS = ["print", "hello", "pointers", "get", REST, "/info", "exit", "3"];
const onWasmEdge = probeGuest("on-wasmedge", { wasm, requires: [rest], words: WORDS });
const onV8 = probeGuest("on-v8", { requires: [rest], words: WORDS });
const stays = probeGuest("stays", { wasm, words: ["print", "here", "sleep", "100000"] });

/** Reason of each hostile guest's end. */
const HOSTILE: readonly (readonly [name: string, reason: RegExp])[] = [
  ["no-module", /its module is refused/],
  ["huge-memory", /its module is refused: its memory begins with \d+ pages, more than 100/],
  ["wrong-signature", /it cannot be instantiated: incompatible import type/],
  ["no-start", /it exports no function _start/],
  ["imports-memory", /import env\.memory is a memory: .*; import env\.system is unknown/],
];
const absent = [{ name: "absent", type: "rest", target: "/run/absent.sock" }];
const hostile = HOSTILE.map(([name]) =>
  guest(name, name === "no-module" ? "no-module.txt" : `${name}.wasm`, {
    wasm,
    args: { PV_SERVICES_OPTIONAL: absent },
  }),
);

scenario(
  "wasm-engine-capi",
  {
    summary: "WasmEdge, by its C API, runs what V8 runs",
    containers: ["pv-example-rest-server", onWasmEdge, onV8, stays, ...hostile],
    requires: ["wasm", "wasmedge"],
    // Guests that have done their work are no containers that run.
    until: "pv-ctrl",
  },
  ({ check }) => {
    check(
      "wasm.engine.capi",
      "a guest on WasmEdge prints, calls a service and exits as on V8; a hostile one ends by name",
      async ({ appengine, control, inside, signal }) => {
        for (const { name } of [onWasmEdge, stays, ...hostile]) {
          await waitForStatus(control, name, "STOPPED", signal);
        }
        await installWasmEdge(appengine, findWasmEdge() ?? "", signal);

        const expected = await runGuest(appengine, control, onV8.name, signal);
        const lines = await runGuest(appengine, control, onWasmEdge.name, signal);
        const name = (line: string) => line.replaceAll("on-v8", onWasmEdge.name);
        expect(lines, "output on WasmEdge, beside that on V8").toEqual(expected.map(name));
        expect(lines.join(), "identity in the provider's reply").toContain(
          `"client": "${onWasmEdge.name}"`,
        );

        await control.start(stays.name);
        await until(
          "its line",
          async () => (await consoleOf(appengine, stays.name)).includes("here"),
          { signal, timeout: 10_000 },
        );
        const init = await inside(stays.name).pid();
        expect(
          await appengine.text(`cat /proc/${init}/maps`),
          "files that the guest's process maps",
        ).toContain("libwasmedge");
        await control.stop(stays.name);
        await waitForStatus(control, stays.name, "STOPPED", signal);

        for (const [guestName, reason] of HOSTILE) {
          const said = await runGuest(appengine, control, guestName, signal);
          expect([guestName, said], "reason of a hostile guest's end").toEqual([
            guestName,
            [expect.stringMatching(reason)],
          ]);
        }
      },
      { timeout: 90_000 },
    );
  },
);
