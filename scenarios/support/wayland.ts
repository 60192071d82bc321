import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import type { ContainerDefinition } from "../../harness/exports/container-definition.ts";

/** Path of the compositor's socket in a consumer. */
export const DISPLAY = "/run/pv/services/wayland-0";

/** A container that has the Wayland clients, and the service `display` with a role. */
export function waylandClient(name: string, role?: string): ContainerDefinition {
  const service = { name: "display", type: "wayland", target: DISPLAY };
  const required = [role === undefined ? service : { ...service, role }];
  return defineContainer({ name, root: "wayland", args: { PV_SERVICES_REQUIRED: required } });
}

/** Words of a command that runs with a compositor's socket as its display. */
export function onDisplay(socket: string, command: string): string {
  const slash = socket.lastIndexOf("/");
  const [folder, name] = [socket.slice(0, slash), socket.slice(slash + 1)];
  return `XDG_RUNTIME_DIR=${folder} WAYLAND_DISPLAY=${name} ${command}`;
}

/** Globals as wayland-info lists them: interface and version, sorted. */
export async function listedGlobals(container: InsideContainer, socket: string): Promise<string[]> {
  const text = await container.text(onDisplay(socket, "wayland-info"));
  const lines = text.matchAll(/^interface: '(\w+)', +version: +(\d+)/gm);
  return [...lines].map(([, name = "", version = ""]) => `${name} ${version}`).sort();
}

/**
 * The globals of `offered` that the list allows, in the versions that it allows.
 * @param offered as of listedGlobals()
 */
export function allowedOf(
  offered: readonly string[],
  list: readonly { readonly interface: string; readonly version?: number }[],
): string[] {
  return offered.flatMap((line) => {
    const [name = "", version = ""] = line.split(" ");
    const entry = list.find((one) => one.interface === name);
    if (entry === undefined) return [];
    return `${name} ${Math.min(Number(version), entry.version ?? Infinity)}`;
  });
}
