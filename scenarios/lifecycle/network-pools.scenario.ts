import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { STORAGE } from "../../harness/appengine/layout.ts";
import type { ControlClient } from "../../harness/control/control-client.ts";
import { expect } from "../../harness/facts/expect.ts";
import { defineContainer } from "../../harness/exports/container-definition.ts";
import { writeDeviceExport } from "../../harness/exports/device-export.ts";
import type { JsonObject } from "../../harness/exports/json-value.ts";
import { scenario } from "../../harness/run/scenario.ts";
import type { CheckContext } from "../../harness/run/scenario-definition.ts";
import { messageOfThrown } from "../../harness/thrown.ts";
import { command, currentState, install, progress, send } from "../support/revisions.ts";
import type { State } from "../support/revisions.ts";
import { waitForStatus } from "../support/steps.ts";

const pooled = (name: string, pool: string) =>
  defineContainer({ name, args: { PV_NETWORK_POOL: pool, PV_RESTART_POLICY: "container" } });
const first = pooled("pool-first", "internal");
const second = pooled("pool-second", "internal");
const lab = pooled("pool-lab", "lab");
const alone = defineContainer({ name: "pool-none", args: { PV_RESTART_POLICY: "container" } });
const lost = pooled("pool-lost", "nowhere");

const DEVICE = {
  network: {
    pools: {
      internal: { bridge: "pvbr0", subnet: "10.0.5.0/24", gateway: "10.0.5.1", nat: false },
    },
  },
};

const TWO_POOLS = {
  network: {
    pools: {
      internal: { bridge: "pvbr0", subnet: "10.0.5.0/24", gateway: "10.0.5.1", nat: true },
      lab: { bridge: "pvbr1", subnet: "10.0.6.0/24", gateway: "10.0.6.1", nat: false },
    },
  },
};

const LATE_POOL = {
  network: {
    pools: {
      internal: { bridge: "pvbr7", subnet: "10.0.7.0/24", gateway: "10.0.7.1", nat: true },
    },
  },
};

/** Stands before the image's own, and iptables(8) keeps what it is called with. */
const FAILING_NFT = `mkdir -p /usr/local/sbin
  printf '#!/bin/sh\\nexit 1\\n' >/usr/local/sbin/nft
  printf '#!/bin/sh\\necho "$*" >>/tmp/iptables\\n' >/usr/local/sbin/iptables
  chmod +x /usr/local/sbin/nft /usr/local/sbin/iptables`;

/** A host outside that knows no way back to the pools, and tells its callers who they are. */
const OUTSIDE = `
  unshare -n sh -c 'echo $$ >/tmp/outside; ip link set lo up; exec sleep infinity' >/dev/null 2>&1 &
  until [ -s /tmp/outside ]; do sleep 0.05; done
  pid=$(cat /tmp/outside)
  ip link add toward type veth peer name outside netns $pid
  ip address add 192.0.2.1/24 dev toward; ip link set toward up
  nsenter -t $pid -n sh -c 'ip address add 192.0.2.2/24 dev outside; ip link set outside up'
  nsenter -t $pid -n python3 -c '
import socket
server = socket.create_server(("192.0.2.2", 7000))
print("listening", flush=True)
while True:
    peer, address = server.accept()
    peer.sendall(address[0].encode())
    peer.close()' >/tmp/outside.log 2>&1 &
  until grep -q listening /tmp/outside.log; do sleep 0.05; done`;
/** Prints the address from which the host outside sees the caller. */
const ASK_OUTSIDE = `python3 -c '
import socket
try:
    print(socket.create_connection(("192.0.2.2", 7000), 5).recv(99).decode())
except OSError:
    print("none")'`;

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
      "ipam.nat",
      "a pool with nat reaches what is outside of the appengine, a pool without it does not",
      async ({ bootAppengine, signal, skip }) => {
        await using device = await Device.of(signal, TWO_POOLS);
        const { appengine } = await bootAppengine({
          containers: [first, lab],
          exports: [device.path],
        });
        const failed = await appengine.text(
          `grep -h "failed to setup NAT" ${STORAGE}/logs/current/pantavisor/pantavisor.log || true`,
        );
        const lacking = /cannot be written: (?:EROFS|EACCES)|not permitted|not supported/.exec(
          failed,
        );
        if (lacking !== null)
          skip(`no NAT on this engine (CAP_NET_ADMIN, nf_tables): ${lacking[0]}`);
        await appengine.text(OUTSIDE);
        const reaches = async (container: string) =>
          (await appengine.inside(container).text(ASK_OUTSIDE)).trim();
        expect(await reaches("pool-first"), "answer from outside to the pool with nat").toBe(
          "192.0.2.1",
        );
        expect(await reaches("pool-lab"), "answer from outside to the pool without nat").toBe(
          "none",
        );
        const restart = { body: '{"action":"restart"}', signal };
        await appengine.control.send("PUT", "/containers/pool-first", restart);
        await appengine.log.waitFor(/reusing existing lease for pool-first/, {
          signal,
          timeout: 15_000,
        });
        const rules = await appengine.text("nft list ruleset | grep -c masquerade");
        expect(Number(rules), "rules of masquerade after a restart").toBe(1);
      },
      { timeout: 90_000 },
    );

    check(
      "ipam.nat.iptables",
      "a pool that comes when nft fails gets its rule by iptables",
      async ({ bootAppengine, skip, signal }) => {
        await using device = await Device.of(signal);
        const { appengine, control } = await bootAppengine({
          containers: [first],
          exports: [device.path],
        });
        await appengine.text(FAILING_NFT);
        const state = await currentState(control, signal);
        await install(control, "locals/late", { ...state, "device.json": LATE_POOL }, signal);
        await command(control, "LOCAL_RUN_COMMIT", "locals/late", signal);
        await progress(control, "locals/late", "DONE", signal, 60_000);
        const told = await appengine.text(
          `grep -h "NAT.*for pool internal" ${STORAGE}/logs/locals/late/pantavisor/pantavisor.log`,
        );
        if (/cannot be written/.test(told)) skip("no forwarding on this engine (CAP_NET_ADMIN)");
        expect(told, "pantavisor.log about the pool").toContain("setup NAT (iptables)");
        expect(await appengine.text("cat /tmp/iptables"), "calls of iptables").toBe(
          "-t nat -S POSTROUTING\n-t nat -A POSTROUTING -s 10.0.7.0/24 ! -o pvbr7 -j MASQUERADE\n",
        );
      },
      { timeout: 90_000 },
    );

    check(
      "ipam.reserved",
      "an address that a container outside of the pools has is given to nobody else",
      async ({ bootAppengine, signal }) => {
        await using device = await Device.of(signal);
        const { appengine, control } = await bootAppengine({
          containers: [alone, second],
          exports: [device.path],
        });
        const step = await withLines(control, "pool-none", OWN_INTERFACE, signal);
        await install(control, "locals/reserved", step, signal);
        await command(control, "LOCAL_RUN_COMMIT", "locals/reserved", signal);
        await progress(control, "locals/reserved", "DONE", signal, 60_000);
        const addresses = async (name: string) =>
          (await appengine.inside(name).text("ip -4 -o addr show dev eth0")).split(/\s+/)[3];
        expect(await addresses("pool-none"), "address of its own").toBe("10.0.5.2/24");
        expect(await addresses("pool-second"), "address of the pool").toBe("10.0.5.3/24");
      },
      { timeout: 90_000 },
    );

    check(
      "ipam.own-network",
      "a container in a pool with lxc.net.* of its own is refused by name",
      async ({ bootAppengine, signal }) => {
        await using device = await Device.of(signal);
        const { control } = await bootAppengine({ containers: [first], exports: [device.path] });
        const step = await withLines(control, "pool-first", OWN_INTERFACE, signal);
        await install(control, "locals/greedy", step, signal);
        const body = { op: "LOCAL_RUN", payload: "locals/greedy" };
        expect(
          await send(control, "POST", "/commands", body, signal),
          "reply to running the step",
        ).toEqual([
          422,
          "platform 'pool-first' declares an IPAM pool but its lxc.container.conf already contains lxc.net.* entries",
        ]);
      },
      { timeout: 60_000 },
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

/** Lines of LXC for an interface on the pool's bridge, with the first address. */
const OWN_INTERFACE = `
lxc.net.0.type = veth
lxc.net.0.link = pvbr0
lxc.net.0.name = eth0
lxc.net.0.flags = up
lxc.net.0.ipv4.address = 10.0.5.2/24
`;

/** The state that runs, with a container that has its own network and these lines in its configuration. */
async function withLines(
  control: ControlClient,
  container: string,
  lines: string,
  signal: AbortSignal,
): Promise<State> {
  const state = await currentState(control, signal);
  const key = `${container}/lxc.container.conf`;
  const reply = await control.send("GET", `/objects/${String(state[key])}`, { signal });
  const body = `${reply.body.replace(/ net /, " ")}${lines}`;
  const sha256 = createHash("sha256").update(body).digest("hex");
  const { status } = await control.send("PUT", `/objects/${sha256}`, { body, signal });
  expect(status, "status of the PUT of the configuration").toBe(200);
  return { ...state, [key]: sha256 };
}

/** An export that brings the pools, in a folder of its own. */
class Device implements AsyncDisposable {
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string, path: string) {
    this.#folder = folder;
    this.path = path;
  }

  static async of(signal: CheckContext["signal"], device: JsonObject = DEVICE): Promise<Device> {
    const folder = await mkdtemp(join(tmpdir(), "pvh-pools-"));
    return new Device(folder, await writeDeviceExport(folder, device, signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }
}
