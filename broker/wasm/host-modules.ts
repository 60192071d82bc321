import type { WasmGuest } from "../shared/formats/wasm-guest.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import type { HostModules } from "./host-function.ts";
import { listenFor } from "./http/listen.ts";
import { HTTP_MODULE, httpModule } from "./http/module.ts";
import { DBUS_MODULE, dbusModule } from "./dbus/module.ts";
import { SHM_MODULE, shmModule } from "./shm/module.ts";
import { pantavisorModule } from "./pantavisor-module.ts";
import { WASI_MODULE, preview1 } from "./wasi/preview1.ts";
import type { WasiOptions } from "./wasi/preview1.ts";

/**
 * All host modules of a guest; which of them it may import is checked apart.
 * @throws GuestFailure when a service that it provides has no place
 */
export function hostModules(
  { requires, provides }: WasmGuest,
  wasi: WasiOptions,
  quirks: Quirks,
): HostModules {
  const servers = listenFor(quirks.has("wasm-provider-missing") ? [] : provides);
  return new Map([
    [WASI_MODULE, preview1(wasi)],
    ["pantavisor", pantavisorModule()],
    [HTTP_MODULE, httpModule(requires, servers, quirks)],
    [DBUS_MODULE, dbusModule(requires)],
    [SHM_MODULE, shmModule(requires, quirks)],
  ]);
}
