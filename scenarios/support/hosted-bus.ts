import type { Appengine } from "../../harness/appengine/appengine.ts";
import type { CommandResult } from "../../harness/appengine/command-result.ts";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import type { ControlClient } from "../../harness/control/control-client.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { expect } from "../../harness/facts/expect.ts";

export const HOSTED_SOCKET = "/run/pv/dbus/system_bus_socket";
/** Configuration with which pantavisor hosts a system bus. */
export const HOSTS_BUS = { PV_XCONNECT_DBUS_SYSTEMBUS_ENABLED: "1" };

/** A name on the hosted bus, and the role of its owner. */
export const NAME = "org.example.Clock";
export const OWNER_ROLE = "clock-service";

/** Entry of services.json by which a container owns NAME. */
export const owns = (allow: readonly string[]) => ({
  type: "dbus",
  bus: "system-bus",
  owns: NAME,
  role: OWNER_ROLE,
  allow: [...allow],
});

/** A container that owns NAME, for these roles. */
export const nameOwner = (name: string, allow: readonly string[]) =>
  defineContainer({ name, args: busArgs(OWNER_ROLE), services: [owns(allow)] });

/** A container that uses the hosted bus, with a role or without one. */
export const busUser = (name: string, role?: string) =>
  defineContainer({ name, args: busArgs(role) });

function busArgs(role: string | undefined) {
  const target = "/run/dbus/system_bus_socket";
  const requirement = { name: "system-bus", type: "dbus", target };
  return {
    PV_RESTART_POLICY: "container",
    PV_SERVICES_REQUIRED: [role === undefined ? requirement : { ...requirement, role }],
  };
}

/** Call NAME with dbus-send. */
export function callName(container: InsideContainer): Promise<CommandResult> {
  const call = `dbus-send --system --print-reply --dest=${NAME} /p a.b.C`;
  return container.sh(call, { timeout: 10_000 });
}

/** A call of busctl on the hosted bus itself, without the broker. */
export function callAs(appengine: Appengine, uid: number, call: string): Promise<CommandResult> {
  const user = `setpriv --reuid=${uid} --regid=65534 --clear-groups`;
  return appengine.sh(`${user} busctl --address=unix:path=${HOSTED_SOCKET} call ${call}`, {
    timeout: 10_000,
  });
}

/** The uid that the graph has for a consumer of the hosted bus. */
export async function uidInGraph(
  control: ControlClient,
  consumer: string,
  signal: AbortSignal,
): Promise<number> {
  const link = (await control.graph(signal)).find((entry) => entry.consumer === consumer);
  expect(link, `link of ${consumer} in the graph`).toMatchObject({
    uid: expect.any(Number) as number,
  });
  return link?.uid ?? -1;
}

/** The uid that the hosted bus knows for a connection. */
export async function uidAtBus(appengine: Appengine, uniqueName: string): Promise<number> {
  const question = `org.freedesktop.DBus / org.freedesktop.DBus GetConnectionUnixUser s '${uniqueName}'`;
  const call = await callAs(appengine, 0, question);
  expect(call.stdout, `reply to GetConnectionUnixUser (${call.stderr})`).toMatch(/^u \d+\n$/);
  return Number(call.stdout.slice(2));
}
