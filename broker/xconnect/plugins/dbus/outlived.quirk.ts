import { existsSync } from "node:fs";
import type { Link, Toolbox } from "../plugin.ts";

/**
 * End pv-xconnect, as a fault of memory does, when the provider's process of the time of the connection has
 * gone (docs/pantavisor.md §6.5).
 */
export function failOutlived({ providerPid }: Link, { quirks }: Pick<Toolbox, "quirks">): void {
  if (!quirks.has("dbus-outlived-fatal", "dbus") || existsSync(`/proc/${providerPid}`)) return;
  process.kill(process.pid, "SIGSEGV");
}
