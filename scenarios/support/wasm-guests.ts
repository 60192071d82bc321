import { join } from "node:path";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { LOG_ROOT } from "../../harness/appengine/layout.ts";
import type { ControlClient } from "../../harness/control/control-client.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import type { JsonObject } from "../../harness/exports/json-value.ts";
import { until } from "../../harness/until.ts";
import { waitForStatus } from "./steps.ts";

/** Modules of the scenarios; containers/guests/build.sh makes them of their sources. */
const GUESTS = join(import.meta.dirname, "../wasm/guests");

export interface GuestOptions {
  /** Words for the guest `probe`, which does what they say in their order. */
  readonly words?: readonly string[];
  readonly wasm?: JsonObject;
  readonly requires?: readonly JsonObject[];
  readonly services?: readonly JsonObject[];
  readonly args?: JsonObject;
}

/** A service of each type that nobody provides: grants `probe` all host modules. */
const ABSENT = ["rest", "dbus", "unix"].map((type) => ({
  name: `absent-${type}`,
  type,
  target: `/run/pv/services/absent-${type}.sock`,
}));

/** A container of type wasm that runs the probe. */
export function probeGuest(name: string, options: GuestOptions) {
  const args = { PV_SERVICES_OPTIONAL: ABSENT, ...options.args };
  return guest(name, "probe.wasm", { ...options, args });
}

/** A container of type wasm that is not started again unless its arguments say so. */
export function guest(name: string, file: string, options: GuestOptions = {}) {
  const { words = [], wasm = {}, requires = [], services, args } = options;
  return defineContainer({
    name,
    module: join(GUESTS, file),
    ...(services !== undefined && { services }),
    args: {
      PV_RESTART_POLICY: "container",
      PV_AUTO_RECOVERY: { policy: "no" },
      PV_SERVICES_REQUIRED: [...requires],
      PV_WASM: { args: [...words], ...wasm },
      ...args,
    },
  });
}

/** Everything that a guest has printed since the appengine's boot. */
export function consoleOf(appengine: Appengine, name: string): Promise<string> {
  return appengine.text(`cat ${LOG_ROOT}/0/${name}/wasm/console.log 2>/dev/null || :`);
}

/** Stop a guest, also one that has not started yet. */
export async function endRun(
  control: ControlClient,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  await until(
    `guest '${name}' to be STOPPED`,
    async () => {
      const { status } = await control.container(name, signal);
      if (status === "STOPPED") return true;
      await control.stop(name, signal);
      throw new Error(`it is ${status}`);
    },
    { signal, timeout: 20_000 },
  );
}

/** Start a guest that has ended, wait until it ends again, and give what it printed meanwhile. */
export async function runGuest(
  appengine: Appengine,
  control: ControlClient,
  name: string,
  signal: AbortSignal,
): Promise<string[]> {
  await waitForStatus(control, name, "STOPPED", signal);
  const before = await consoleOf(appengine, name);
  await control.start(name);
  await until(
    `guest '${name}' to end`,
    async () => {
      const { status } = await control.container(name, signal);
      return status === "STOPPED" && (await consoleOf(appengine, name)).length > before.length;
    },
    { signal, timeout: 20_000 },
  );
  return (await consoleOf(appengine, name)).slice(before.length).trimEnd().split("\n");
}
