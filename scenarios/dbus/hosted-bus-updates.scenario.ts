import { STORAGE } from "../../harness/appengine/layout.ts";
import type { ControlClient } from "../../harness/control/control-client.ts";
import { expect } from "../../harness/facts/expect.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import {
  HOSTS_BUS,
  NAME,
  OWNER_ROLE,
  busUser,
  callName,
  nameOwner,
  owns,
  uidInGraph,
} from "../support/hosted-bus.ts";
import { BusServices } from "../support/open-bus.ts";
import { command, currentState, install, progress, send } from "../support/revisions.ts";
import type { State } from "../support/revisions.ts";

// The first container of the state, so that roles which it names get their uids first.
const OWNER = "hosted-clock";
const OPERATOR = "hosted-operator";
const READER = "hosted-reader";

scenario(
  "hosted-bus-updates",
  {
    summary: "the hosted bus follows the revision that runs, and roles keep their uids",
    containers: [
      nameOwner(OWNER, ["operator"]),
      busUser(OPERATOR, "operator"),
      busUser(READER, "reader"),
    ],
    env: HOSTS_BUS,
    boot: "auto",
    until: "links",
    timeScale: 100,
    requires: ["hosted-bus"],
  },
  ({ check }) => {
    check(
      "dbus.hosted.conflict",
      "a step that takes what is the bus's, or says it wrong, is refused by its key",
      async ({ control, signal }) => {
        const factory = await currentState(control, signal);
        const put = async (container: string, services: readonly object[]) => {
          const state = { ...factory, [`${container}/services.json`]: { services } };
          return await send(control, "PUT", "/steps/locals/wrong", state, signal);
        };
        const name = owns(["operator"]);
        const bus = { name: "system-bus", type: "dbus", socket: "/run/dbus/system_bus_socket" };
        for (const [container, entry, reason] of [
          [OPERATOR, bus, "name: 'system-bus' is the bus that pantavisor hosts"],
          [OPERATOR, name, `owns: '${NAME}' is owned by '${OWNER}'`],
          [OWNER, { ...name, type: "unix" }, "services.0.type: must be dbus beside owns"],
          [OWNER, { ...name, bus: "session-bus" }, "services.0.bus: must be system-bus"],
          [OWNER, { ...name, owns: 'a.b"/><allow own="*' }, "services.0.owns: is not a bus name"],
          [OWNER, { ...name, role: "a\nroot:x:0:0" }, "services.0.role: must match"],
          [OWNER, { ...name, allow: "operator" }, "services.0.allow: Invalid input"],
          [
            OWNER,
            { ...name, allow: Array(300).fill("a") as string[] },
            "services.0.allow: Too big",
          ],
          [OWNER, { ...name, socket: "/run/x" }, "services.0.socket: has no place beside owns"],
        ] as const) {
          const [status, text] = await put(container, [entry]);
          expect(status, `status of the step with ${JSON.stringify(entry).slice(0, 200)}`).toBe(
            422,
          );
          expect(text, "reason of the refusal").toContain(`${container}/services.json: ${reason}`);
        }
      },
    );

    check(
      "dbus.hosted.reload",
      "a revision that allows one more role lets it call, on the bus that runs",
      async ({ appengine, control, inside, signal }) => {
        const before = await callName(inside(READER));
        expect(before.stderr, "errors of dbus-send before").toContain("AccessDenied");
        const pid = await busPid(control, signal);
        await allow(control, "locals/more-readers", ["reader", "operator"], signal);
        await using owner = await BusServices.onLinkedBus(inside(OWNER), [NAME], signal);
        const sender = `sender=${owner.uniqueNames[NAME] ?? ""} `;
        await until(
          "a reply of the owner to dbus-send",
          async () => {
            const { stdout, stderr } = await callName(inside(READER));
            if (stdout.includes(sender)) return true;
            throw new Error(stdout + stderr);
          },
          { signal, timeout: 8_000 },
        );
        expect(await busPid(control, signal), "pid of pv-dbus").toBe(pid);
        expect(await appengine.text("pgrep -c dbus-daemon"), "buses of the appengine").toBe("1\n");
      },
      { timeout: 60_000 },
    );

    check(
      "dbus.hosted.uids",
      "roles keep their uids when another role is named before them, and over a reboot",
      async ({ bootAppengine, signal }) => {
        const { appengine, control } = await bootAppengine();
        const first = await rolesOf(control, signal);
        expect(first, "uids of roles at first").toEqual({
          [OWNER]: 90_000,
          [OPERATOR]: 90_001,
          [READER]: 90_002,
        });
        await allow(control, "locals/more", ["newcomer", "reader", "operator"], signal);
        await command(control, "REBOOT_DEVICE", "", signal);
        await progress(control, "locals/more", "DONE", signal);
        expect(await rolesOf(control, signal), "uids of roles after a reboot").toEqual(first);
        const file = await appengine.text(`cat ${STORAGE}/config/dbus-role-uids.json`);
        expect(JSON.parse(file), "uids in storage").toEqual({
          [OWNER_ROLE]: 90_000,
          operator: 90_001,
          reader: 90_002,
          newcomer: 90_003,
        });
      },
      { timeout: 60_000 },
    );
  },
);

/** Run a revision in place in which the owner allows these roles. */
async function allow(
  control: ControlClient,
  revision: string,
  roles: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const state: State = await currentState(control, signal);
  const services = { "#spec": "service-manifest-xconnect@1", services: [owns(roles)] };
  await install(control, revision, { ...state, [`${OWNER}/services.json`]: services }, signal);
  await command(control, "LOCAL_RUN", revision, signal);
  await progress(control, revision, "UPDATED", signal);
}

async function busPid(control: ControlClient, signal: AbortSignal): Promise<number> {
  return (await control.daemons(signal)).find(({ name }) => name === "pv-dbus")?.pid ?? -1;
}

async function rolesOf(
  control: ControlClient,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const uids = [OWNER, OPERATOR, READER].map(
    async (name) => [name, await uidInGraph(control, name, signal)] as const,
  );
  return Object.fromEntries(await Promise.all(uids));
}
