import { hostsOf, isInside, showAddress, toAddress } from "../shared/formats/network.ts";
import type { Address, ContainerNetwork, Pool } from "../shared/formats/network.ts";
import type { NetworkPlace } from "./runtimes/container-start.ts";
import type { ContainerDefinition, State } from "../shared/formats/state.ts";

/** Address of a container in a pool, as its interface gets it. */
export type Lease = NetworkPlace;

/** A line for pantavisor.log. */
export interface IpamLine {
  readonly level: "INFO" | "WARN" | "ERROR";
  readonly message: string;
}

/**
 * Addresses of the containers of a revision's pools (docs/pantavisor.md §4.7). Pure: it makes no
 * bridge. A container keeps its address until the revision that has it is gone, so that it comes
 * back with it after a stop, a crash and a restart.
 */
export class Ipam {
  readonly #leases = new Map<string, Address>();
  readonly #next = new Map<string, Address>();
  readonly #taken = new Map<string, Set<Address>>();

  /** Take away the leases of containers that a revision does not have, and those of its own addresses. */
  begin(state: State, configOf: (container: ContainerDefinition) => string): IpamLine[] {
    const names = new Set(state.containers.map(({ name }) => name));
    for (const key of this.#leases.keys()) {
      if (!names.has(key.slice(key.indexOf("/") + 1))) this.#leases.delete(key);
    }
    this.#taken.clear();
    const lines: IpamLine[] = [];
    for (const [name, { subnet, gateway, nat, bridge }] of state.pools) {
      const shown = `${showAddress(subnet.base)}/${subnet.prefix}`;
      const message = `added pool '${name}': type=bridge, bridge=${bridge}, subnet=${shown}, gateway=${showAddress(gateway)}, nat=${nat ? "yes" : "no"}`;
      lines.push({ level: "INFO", message });
      const taken = new Set<Address>([gateway]);
      this.#taken.set(name, taken);
      for (const container of state.containers.filter(
        ({ run }) => poolOf(run.network) === undefined,
      )) {
        for (const address of ownAddresses(configOf(container))) {
          if (!isInside(subnet, address)) continue;
          taken.add(address);
          const reserved = `reserved static IP ${showAddress(address)} (from ${container.name}) in pool '${name}'`;
          lines.push({ level: "INFO", message: reserved });
        }
      }
    }
    return lines;
  }

  /**
   * @returns the container's lease; undefined when its pool has no address left
   */
  lease(
    container: string,
    network: ContainerNetwork,
    pools: State["pools"],
  ): { readonly lease: Lease; readonly line: IpamLine } | undefined {
    const name = network.pool ?? "";
    const pool = pools.get(name);
    if (pool === undefined) return undefined;
    const key = `${name}/${container}`;
    const known = this.#leases.get(key);
    const address = known ?? network.ip ?? this.#free(name, pool);
    if (address === undefined) return undefined;
    this.#leases.set(key, address);
    const shown = `${showAddress(address)}/${pool.subnet.prefix}`;
    const message =
      known === undefined
        ? `allocated ${shown} to ${container} from pool ${name}`
        : `reusing existing lease for ${container}: ${shown}`;
    const lease = {
      bridge: pool.bridge,
      address: shown,
      gateway: showAddress(pool.gateway),
      mac: network.mac ?? macOf(address),
      hostname: network.hostname,
    };
    return { lease, line: { level: "INFO", message } };
  }

  /** The next address of a pool: the cursor moves forward, and begins again at the end. */
  #free(name: string, pool: Pool): Address | undefined {
    const { first, last } = hostsOf(pool.subnet);
    const leased = new Set(
      [...this.#leases].flatMap(([key, one]) => (key.startsWith(`${name}/`) ? [one] : [])),
    );
    const taken = this.#taken.get(name) ?? new Set([pool.gateway]);
    const count = last - first + 1;
    const begin = this.#next.get(name) ?? pool.gateway + 1;
    for (let step = 0; step < count; step++) {
      const candidate = first + ((begin - first + step + count) % count);
      if (taken.has(candidate) || leased.has(candidate)) continue;
      this.#next.set(name, candidate + 1);
      return candidate;
    }
    return undefined;
  }
}

/**
 * Reasons why a revision cannot have the networks that it asks for, each naming the container.
 * @param configOf text of a container's configuration
 */
export function networkRefusals(
  state: State,
  configOf: (container: ContainerDefinition) => string,
): string[] {
  const statics = new Map<string, string>();
  return state.containers.flatMap((container): string[] => {
    const { name, run } = container;
    const pool = poolOf(run.network);
    if (pool === undefined) return [];
    const found = state.pools.get(pool);
    if (found === undefined) {
      return [`platform '${name}' references unknown pool '${pool}', refusing to start`];
    }
    if (run.type !== "lxc")
      return [`platform '${name}' of type ${run.type} cannot be in pool '${pool}'`];
    if (/^\s*lxc\.net\./m.test(configOf(container))) {
      return [
        `platform '${name}' declares an IPAM pool but its ${run.config ?? "config"} already contains lxc.net.* entries`,
      ];
    }
    const ip = run.network?.ip;
    if (ip === undefined) return [];
    const shown = showAddress(ip);
    if (!isInside(found.subnet, ip))
      return [`platform '${name}' asks for ${shown}, which is not in pool '${pool}'`];
    if (ip === found.gateway)
      return [`platform '${name}' asks for ${shown}, the gateway of pool '${pool}'`];
    const other = statics.get(`${pool}/${ip}`);
    statics.set(`${pool}/${ip}`, name);
    return other === undefined
      ? []
      : [`platform '${name}' asks for ${shown}, which is that of '${other}'`];
  });
}

/** Pool of a container; a pool alone means the mode pool. */
export function poolOf(network: ContainerNetwork | undefined): string | undefined {
  return network?.mode === "host" ? undefined : network?.pool;
}

/** Addresses that a container's own configuration gives it. */
function ownAddresses(config: string): Address[] {
  return [...config.matchAll(/^\s*lxc\.net\.\d+\.ipv4\.address\s*=\s*([\d.]+)/gm)].flatMap(
    ([, text = ""]) => toAddress(text) ?? [],
  );
}

/** 02:00 and the four numbers of the address. */
function macOf(address: Address): string {
  const parts = showAddress(address).split(".").map(Number);
  return ["02", "00", ...parts.map((part) => part.toString(16).padStart(2, "0"))].join(":");
}
