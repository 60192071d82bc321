import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "../../harness/facts/expect.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { writeDeviceExport } from "../../harness/exports/device-export.ts";
import { scenario } from "../../harness/run/scenario.ts";
import type { CheckContext } from "../../harness/run/scenario-definition.ts";
import { messageOfThrown } from "../../harness/thrown.ts";
import { waitForStatus } from "../support/steps.ts";

const pooled = (name: string, pool: string) =>
  defineContainer({ name, args: { PV_NETWORK_POOL: pool, PV_RESTART_POLICY: "container" } });
const first = pooled("pool-first", "internal");
const second = pooled("pool-second", "internal");
const lost = pooled("pool-lost", "nowhere");

const DEVICE = {
  network: {
    pools: {
      internal: { bridge: "pvbr0", subnet: "10.0.5.0/24", gateway: "10.0.5.1", nat: false },
    },
  },
};

scenario(
  "network-pools",
  {
    summary: "containers in a network pool have addresses of its subnet on its bridge",
    boot: "none",
    requires: ["reference"],
  },
  ({ check }) => {
    check(
      "ipam.pool",
      "each container has its own address, reaches the other and keeps it over a restart",
      async ({ bootAppengine, signal }) => {
        await using device = await Device.of(signal);
        const { appengine } = await bootAppengine({
          containers: [first, second],
          exports: [device.path],
        });
        const addressOf = async (name: string) =>
          (await appengine.inside(name).text("ip -4 -o addr show dev eth0")).match(
            /inet (\S+)/,
          )?.[1];
        const bridge = await appengine.text("ip -4 -o addr show dev pvbr0");
        expect(bridge, "addresses of the bridge").toContain("inet 10.0.5.1/24");
        const addresses = [await addressOf("pool-first"), await addressOf("pool-second")];
        expect([...addresses].sort(), "addresses of the containers").toEqual([
          "10.0.5.2/24",
          "10.0.5.3/24",
        ]);
        const [, other = ""] = addresses;
        const python = `python3 -c 'import socket; s = socket.create_server(("0.0.0.0", 7000)); s.accept()[0].sendall(b"hello")'`;
        await appengine.inside("pool-second").text(`(${python}) >/dev/null 2>&1 &`);
        const ask = `python3 -c 'import socket,sys,time
for n in range(100):
    try:
        print(socket.create_connection(("${other.split("/")[0] ?? ""}", 7000), 5).recv(9).decode()); break
    except OSError:
        time.sleep(0.1)'`;
        expect((await appengine.inside("pool-first").text(ask)).trim(), "answer of the other").toBe(
          "hello",
        );
        const restart = { body: '{"action":"restart"}', signal };
        await appengine.control.send("PUT", "/containers/pool-first", restart);
        await appengine.log.waitFor(/reusing existing lease for pool-first/, {
          signal,
          timeout: 15_000,
        });
        await waitForStatus(appengine.control, "pool-first", "STARTED", signal);
        expect(await addressOf("pool-first"), "address after a restart").toBe(addresses[0]);
      },
      { timeout: 90_000 },
    );

    check(
      "ipam.unknown",
      "a container whose pool is unknown is refused by name, and nothing is started",
      async ({ bootAppengine, signal }) => {
        await using device = await Device.of(signal);
        const boot = bootAppengine({ containers: [lost, first], exports: [device.path] });
        const outcome = await boot.then(
          () => "READY",
          (error: unknown) => messageOfThrown(error),
        );
        expect(outcome, "outcome of the boot").toContain(
          "platform 'pool-lost' references unknown pool 'nowhere'",
        );
      },
      { timeout: 60_000 },
    );
  },
);

/** An export that brings the pools, in a folder of its own. */
class Device implements AsyncDisposable {
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string, path: string) {
    this.#folder = folder;
    this.path = path;
  }

  static async of(signal: CheckContext["signal"]): Promise<Device> {
    const folder = await mkdtemp(join(tmpdir(), "pvh-pools-"));
    return new Device(folder, await writeDeviceExport(folder, DEVICE, signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }
}
