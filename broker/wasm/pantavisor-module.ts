import { none } from "../shared/quirks/quirks.ts";
import { GuestErrno } from "./guest-errno.ts";
import { hostFunction } from "./host-function.ts";
import type { HostModule } from "./host-function.ts";
import { HttpClient } from "./http/client.ts";

/** Version of the host modules: the result of `pantavisor.abi_version`. */
const ABI_VERSION = 1;
const CONTROL = { name: "pv-ctrl", socket: "/pantavisor/pv-ctrl" };
const PATIENCE = 5_000;

/** Host module `pantavisor`, which every guest may import. */
export function pantavisorModule(): HostModule {
  const client = new HttpClient(none);
  return {
    abi_version: { parameters: [], results: ["i32"], call: () => ABI_VERSION },
    /** The guest is ready, as its status goal READY waits for (docs/pantavisor.md §3.3). */
    ready: hostFunction([], () => {
      const body = Buffer.from('{"type":"ready"}');
      const request = { method: "POST", target: "/signal", fields: [], body };
      const response = client.request(CONTROL, request, PATIENCE);
      response.end();
      const { status } = response.head;
      if (status === 403) throw new GuestErrno("EACCES");
      if (status >= 300) throw new GuestErrno("EIO");
    }),
  };
}
