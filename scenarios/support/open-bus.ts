import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { pythonFile } from "../../harness/appengine/python.ts";
import type { JsonObject } from "../../harness/exports/json-value.ts";
import { until } from "../../harness/until.ts";
import { Program } from "./program.ts";

const SOCKET = "/run/dbus/system_bus_socket";

/**
 * A provider of the service `bus`: a bus on which everybody may do everything. Fds pass to
 * consumers that ask for them.
 */
export const OPEN_BUS = "open-bus";
export const openBus = defineContainer({
  name: OPEN_BUS,
  args: { PV_RESTART_POLICY: "container" },
  services: [{ name: "bus", type: "dbus", socket: SOCKET, fds: ["pipe", "memfd"] }],
});

/** A consumer of it, uid 0 there unless `requirement` says otherwise. */
export const busConsumer = (name: string, requirement: JsonObject) =>
  defineContainer({
    name,
    args: {
      PV_RESTART_POLICY: "container",
      PV_SERVICES_REQUIRED: [
        { name: "bus", type: "dbus", role: "root", target: SOCKET, ...requirement },
      ],
    },
  });

/**
 * Configuration of a real daemon that allows everything on this bus, so that every refusal is the
 * broker's. The scenarios learn of the daemon's start and end by asking it.
 */
const CONFIGURATION = `<busconfig>
  <type>system</type>
  <listen>unix:path=${SOCKET}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/> <allow own="*"/>
    <allow send_destination="*" eavesdrop="true"/> <allow receive_sender="*" eavesdrop="true"/>
    <allow send_destination="*" send_requested_reply="false" send_type="method_return"/>
    <allow receive_sender="*" receive_requested_reply="false" receive_type="method_return"/>
  </policy>
</busconfig>`;

/** A bus answers in the container. */
async function hasBus(container: InsideContainer): Promise<boolean> {
  const question = "busctl --system call org.freedesktop.DBus / org.freedesktop.DBus GetId";
  const { exitCode, stdout } = await container.sh(question);
  return exitCode === 0 && stdout.startsWith("s ");
}

/** Start the daemon, once. */
export async function startBus(provider: InsideContainer, signal: AbortSignal): Promise<void> {
  if (await hasBus(provider)) return;
  await provider.text(
    `mkdir -p /run/dbus /tmp; cat > /tmp/open.conf <<'END'
${CONFIGURATION}
END
dbus-daemon --config-file=/tmp/open.conf --fork --nopidfile`,
    { timeout: 10_000 },
  );
  await until("the bus to answer", () => hasBus(provider), { signal, timeout: 10_000 });
}

/**
 * Peers of a bus in one container, one connection for each name, which answer every call with
 * their own name and do as they are told.
 */
export class BusServices implements AsyncDisposable {
  readonly #program: Program;
  /** Unique name of each. */
  readonly uniqueNames: Readonly<Record<string, string>>;

  private constructor(program: Program, uniqueNames: Readonly<Record<string, string>>) {
    this.#program = program;
    this.uniqueNames = uniqueNames;
  }

  /** On the provider's own bus, which is started where it does not run. */
  static async start(
    provider: InsideContainer,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<BusServices> {
    await startBus(provider, signal);
    return BusServices.#begin(provider, names);
  }

  /** On the bus that a link brings into the container, once it is there. */
  static async onLinkedBus(
    consumer: InsideContainer,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<BusServices> {
    await until("the linked bus to answer", () => hasBus(consumer), { signal, timeout: 10_000 });
    return BusServices.#begin(consumer, names);
  }

  static async #begin(container: InsideContainer, names: readonly string[]): Promise<BusServices> {
    const program = await Program.python(
      container,
      pythonFile(import.meta.dirname, "bus_services.py", names),
    );
    return new BusServices(program, (await program.json()) as Record<string, string>);
  }

  /** Another name, or the end of one with its connection. */
  async own(name: string): Promise<void> {
    await this.#order(name, "own");
  }

  async leave(name: string): Promise<void> {
    await this.#order(name, "leave");
  }

  /** @param destination a unique name, or null for everybody */
  async signal(
    name: string,
    destination: string | null,
    interfaceName: string,
    member: string,
  ): Promise<void> {
    await this.#order(name, "signal", destination, interfaceName, member);
  }

  /** Replies to calls of `destination` with serials from 2 to below this, never received. */
  async forgeReplies(name: string, destination: string, serials: number): Promise<void> {
    await this.#order(name, "return", destination, serials);
  }

  /** All that a service has received, calls and signals. */
  async heard(name: string): Promise<readonly Heard[]> {
    return (await this.#order(name, "heard")) as readonly Heard[];
  }

  async #order(...words: readonly unknown[]): Promise<unknown> {
    this.#program.say(JSON.stringify(words));
    return await this.#program.json();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]();
  }
}

export interface Heard {
  readonly type: string;
  readonly interface: string | null;
  readonly member: string | null;
  readonly sender: string | null;
  readonly body: readonly unknown[];
}
