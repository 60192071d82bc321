import { readObject } from "./runtimes/revision-object.ts";
import type { ContainerDefinition, State } from "../shared/formats/state.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import type { Pool } from "../shared/formats/network.ts";
import type { AppengineConfig } from "./appengine-config.ts";
import { revisionFolder } from "./appengine-config.ts";
import { translateAddresses } from "./address-translation.ts";
import { makeBridge } from "./bridges.ts";
import { Ipam, networkRefusals, poolOf } from "./ipam.ts";
import type { Lease } from "./ipam.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";

/** Bridges and addresses of the revision that runs. */
export class Networks {
  readonly #ipam = new Ipam();
  readonly #config: AppengineConfig;
  readonly #log: PantavisorLog;
  readonly #quirks: Quirks;
  #state: State | undefined;
  /** Why the bridge of a pool could not be made. */
  readonly #faults = new Map<string, Error>();

  constructor(config: AppengineConfig, log: PantavisorLog, quirks: Quirks) {
    this.#config = config;
    this.#log = log;
    this.#quirks = quirks;
  }

  /** Another revision runs from now on. */
  begin(revision: string, state: State): void {
    this.#state = state;
    if (this.#quirks.has("network-ignored")) return;
    for (const { level, message } of this.#ipam.begin(state, configsOf(this.#config, revision))) {
      this.#log.write(level, "ipam", message);
    }
    this.#faults.clear();
    // A container outside of the pools may be on such a bridge, too.
    for (const [name, pool] of state.pools) this.#prepare(name, pool);
  }

  /**
   * The lease of a container that is about to start.
   * @throws Error when its pool is full, or its bridge cannot be made
   */
  leaseOf({ name, run }: ContainerDefinition): Lease | undefined {
    const pools = this.#state?.pools;
    const pool = poolOf(run.network);
    if (pool === undefined || run.network === undefined || pools === undefined) return undefined;
    if (this.#quirks.has("network-ignored")) return undefined;
    const found = pools.get(pool);
    const leased = this.#ipam.lease(name, run.network, pools);
    if (found === undefined || leased === undefined) {
      throw new Error(`pool '${pool}' has no address left`);
    }
    const fault = this.#faults.get(pool);
    if (fault !== undefined) throw fault;
    this.#log.write(leased.line.level, "ipam", leased.line.message);
    return leased.lease;
  }

  #prepare(name: string, pool: Pool): void {
    try {
      const made = makeBridge(pool);
      if (made === undefined) return;
      this.#log.write("INFO", "ipam", made);
      if (pool.nat && !this.#quirks.has("pool-nat-missing")) this.#translate(name, pool);
    } catch (error) {
      this.#faults.set(name, error as Error);
      this.#log.write("WARN", "ipam", (error as Error).message);
    }
  }

  /** Containers run without NAT, too. */
  #translate(name: string, pool: Pool): void {
    try {
      const hasFallback = !this.#quirks.has("nat-nftables-only");
      const backend = translateAddresses(pool, [
        "nftables",
        ...(hasFallback ? ["iptables" as const] : []),
      ]);
      this.#log.write("INFO", "ipam", `setup NAT (${backend}) for pool ${name}`);
    } catch (error) {
      const why = (error as Error).message;
      this.#log.write("WARN", "ipam", `failed to setup NAT for pool ${name}: ${why}`);
    }
  }
}

/** Reasons why a revision cannot have the networks that it asks for. */
export function refusedNetworks(
  config: AppengineConfig,
  revision: string,
  state: State,
  quirks: Quirks,
): readonly string[] {
  if (quirks.has("network-ignored")) return [];
  return networkRefusals(state, configsOf(config, revision));
}

/** Text of a container's configuration; empty where it has none. */
function configsOf(
  config: AppengineConfig,
  revision: string,
): (container: ContainerDefinition) => string {
  return ({ name, run }) => {
    if (run.config === undefined) return "";
    try {
      return readObject(revisionFolder(config, revision), name, run.config);
    } catch {
      // Its start says why.
      return "";
    }
  };
}
