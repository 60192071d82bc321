import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { GraphEntry } from "../../shared/formats/graph.ts";
import { HOSTED_BUS, NO_ROLE } from "../../shared/formats/hosted-bus.ts";
import { parseRunManifest } from "../../shared/formats/run-manifest.ts";
import type { ContainerDefinition, State } from "../../shared/formats/state.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { NO_ROOM, isNoRoom } from "../../shared/no-room.ts";
import type { AppengineConfig } from "../appengine-config.ts";
import type { Daemon } from "../daemon.ts";
import type { PantavisorLog } from "../pantavisor-log.ts";
import { busConfig, busPasswd } from "./bus-files.ts";
import type { BusGrants } from "./bus-grants.ts";
import { grantsOf } from "./bus-grants.ts";
import { RoleUids } from "./role-uids.ts";

const FOLDER = dirname(HOSTED_BUS.socket);
const CONFIG = join(FOLDER, "system.conf");
const PASSWD = join(FOLDER, "passwd");

/**
 * dbus-daemon in a mount namespace of its own, where the bus's passwd lies over /etc/passwd: a policy
 * can name users only, and the roles are none of the appengine's. The volumes of containers leave that
 * namespace: a file system that is mounted in it would stay when its container goes.
 */
export function busCommand({ volumes }: AppengineConfig): [string, ...string[]] {
  const script = `umount -l "$1"/*/* 2>/dev/null
    mount --bind ${PASSWD} /etc/passwd && exec dbus-daemon --nofork --nopidfile --config-file=${CONFIG}`;
  return ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "pv-dbus", volumes];
}

/** The bus that pantavisor hosts (docs/pantavisor.md §6.7). */
export interface HostedBus {
  /** Its daemon, for /daemons; none when no bus is hosted. */
  readonly daemons: readonly Daemon[];
  /** Another revision runs from now on. */
  begin(state: Pick<State, "containers">): void;
  /** An entry of the graph, with uid and rights where it is of this bus. */
  complete(entry: GraphEntry): GraphEntry;
}

/**
 * True when pantavisor hosts the bus: a layer of the configuration says so. The default alone, which
 * 029-32 lists whether it is built with the bus or not, does not.
 */
export function hostsBus({ values }: AppengineConfig): boolean {
  const setting = values.get("PV_XCONNECT_DBUS_SYSTEMBUS_ENABLED");
  return setting?.value === "1" && setting.layer !== "default";
}

/** Containers, and pantavisor beside them as the provider of its bus, for what judges services. */
export function withHostedBus(
  config: AppengineConfig,
  containers: readonly ContainerDefinition[],
): readonly ContainerDefinition[] {
  if (!hostsBus(config)) return containers;
  const { provider, name, socket } = HOSTED_BUS;
  const run = parseRunManifest({ name: provider });
  return [
    ...containers,
    { name: provider, run, exports: [{ name, type: "dbus", socket }], owned: [] },
  ];
}

export interface HostedBusOptions {
  readonly config: AppengineConfig;
  readonly log: PantavisorLog;
  readonly quirks: Quirks;
  readonly daemon: Daemon;
}

export const noHostedBus: HostedBus = {
  daemons: [],
  begin: () => undefined,
  complete: (entry) => entry,
};

export class RunningBus implements HostedBus {
  readonly daemons: readonly Daemon[];
  readonly #log: PantavisorLog;
  readonly #quirks: Quirks;
  readonly #daemon: Daemon;
  readonly #uids: RoleUids;
  #grants: ReadonlyMap<string, BusGrants> = new Map();
  /** Texts of the files as last written. */
  #written = "";

  constructor({ config, log, quirks, daemon }: HostedBusOptions) {
    this.#log = log;
    this.#quirks = quirks;
    this.#daemon = daemon;
    this.daemons = [daemon];
    const file = join(config.storage, "config/dbus-role-uids.json");
    this.#uids = new RoleUids(file, quirks, (line) => this.#log.write("WARN", "dbus-daemon", line));
  }

  begin({ containers }: Pick<State, "containers">): void {
    this.#grants = grantsOf(containers, this.#quirks);
    try {
      this.#uids.assign(this.#grants.keys());
    } catch (error) {
      const line = `uids of roles cannot be kept: ${(error as Error).message}`;
      this.#log.write("ERROR", "dbus-daemon", line);
    }
    const users = [...this.#grants.keys()].map((role) => [role, this.#uids.of(role)] as const);
    const passwd = busPasswd(readFileSync("/etc/passwd", "utf8"), users);
    const config = busConfig(this.#grants, this.#quirks);
    if (this.#written === passwd + config) return;
    try {
      mkdirSync(FOLDER, { recursive: true });
      // Into the same inode: it is the one that is mounted in the daemon's namespace.
      writeFileSync(PASSWD, passwd);
      writeFileSync(CONFIG, config);
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      this.#log.write("ERROR", "dbus-daemon", `policy of the bus cannot be written: ${NO_ROOM}`);
      return;
    }
    this.#written = passwd + config;
    if (!this.#quirks.has("hosted-bus-no-reload")) this.#daemon.notify();
  }

  complete(entry: GraphEntry): GraphEntry {
    if (entry.provider !== HOSTED_BUS.provider) return entry;
    const { role, rules } = entry;
    const lists = Array.isArray(rules) ? (rules as unknown[]) : [];
    return {
      ...entry,
      provider_pid: 0,
      rules: [rulesOf(this.#grants.get(role)), ...lists],
      ...(!this.#quirks.has("hosted-bus-no-uid") && {
        uid: this.#uids.of(role === NO_ROLE ? undefined : role),
      }),
    };
  }
}

/** Rules of the broker's plugin that say the same as the bus's policy. */
function rulesOf(grants: BusGrants | undefined): unknown[] {
  const { own, talk } = grants ?? { own: new Set(), talk: new Set() };
  return [
    ...[...own].map((name) => ({ access: "own", name })),
    ...[...talk].filter((name) => !own.has(name)).map((name) => ({ access: "talk", name })),
  ];
}
