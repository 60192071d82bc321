import { expect } from "../../harness/facts/expect.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { waitForStatus } from "../support/steps.ts";
import { probeGuest } from "../support/wasm-guests.ts";

const guest = probeGuest("guest", { words: ["sleep", "100000"] });

scenario(
  "wasm-engine",
  {
    expects: { rules: ["container-cannot-start"] },
    requires: ["wasm"],
    summary: "a machine without a WebAssembly engine says so, and runs its other containers",
    containers: ["pv-example-app", guest],
    env: { PVH_MACHINE: "armv7l" },
    until: "pv-ctrl",
  },
  ({ check }) => {
    check(
      "wasm.engine.gate",
      "on armv7 a guest is refused with the reason, and containers of type lxc start",
      async ({ appengine, control, signal }) => {
        const { error } = await waitForStatus(control, guest.name, "STOPPED", signal);
        expect(error, "error of the guest in /containers").toMatch(
          /no WebAssembly engine on armv7l/,
        );
        await waitForStatus(control, "pv-example-app", "STARTED", signal);
        const shown = await appengine.log.waitFor(/platform 'guest' .*engine on armv7l/, {
          signal,
          timeout: 5_000,
        });
        expect(shown, "containers of type lxc that run").toHaveLength(1);
      },
    );
  },
);
