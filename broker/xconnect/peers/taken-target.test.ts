import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BrokerBench, dial, readAll } from "../links/broker.fixture.ts";
import type { ContainerStandIn } from "../links/container-stand-in.fixture.ts";

/** A default ACL without rights for group and others (acl(5), version 2 as in the xattr). */
const PRIVATE_ACL = `
import os, struct, sys
entry = lambda tag, perm: struct.pack("<HHI", tag, perm, 0xffffffff)
acl = struct.pack("<I", 2) + entry(1, 7) + entry(4, 0) + entry(32, 0)
os.setxattr(sys.argv[1], "system.posix_acl_default", acl)
`;

describe.skipIf(process.getuid?.() !== 0)("a target that is taken (needs root)", () => {
  let bench: BrokerBench;
  let consumer: ContainerStandIn;
  let provider: ContainerStandIn;

  beforeEach(async () => {
    bench = new BrokerBench();
    [consumer, provider] = await Promise.all([bench.container(), bench.container()]);
    mkdirSync(provider.path("/dev/dri"));
    execFileSync("mknod", ["-m", "660", provider.path("/dev/dri/card0"), "c", "226", "0"]);
    await bench.start();
  });

  afterEach(() => bench.stop());

  const entry = (name: string, more: Record<string, unknown> = {}) => ({
    consumer: "client",
    consumer_pid: consumer.pid,
    provider: "server",
    provider_pid: provider.pid,
    name,
    type: "unix",
    target: "/run/shared",
    socket: `/run/${name}.sock`,
    ...more,
  });
  const card = (name: string) =>
    entry(name, { type: "drm", target: "/dev/card", socket: "/dev/dri/card0" });
  const node = () => lstatSync(consumer.path("/dev/card"), { throwIfNoEntry: false });

  it("is one link's alone, and the other's provider hears nothing of it", async () => {
    const callers: string[] = [];
    for (const name of ["one", "two"]) {
      await bench.serve(provider.path(`/run/${name}.sock`), (socket) => {
        callers.push(name);
        socket.end(name);
      });
    }
    await bench.reconcile([entry("one"), entry("two")], "Failed to add link for two");
    // The session comes after any bytes that the broker itself may have sent to the socket.
    expect(await readAll(await dial(consumer.path("/run/shared")))).toBe("one");
    expect(callers).toEqual(["one"]);
    await bench.reconcile([entry("two")], "Link established: client/two");
    expect(await readAll(await dial(consumer.path("/run/shared")))).toBe("two");
  });

  it("is not fought for by two links with the same device", async () => {
    await bench.reconcile([card("one"), card("two")], "Failed to add link for two");
    const { ino } = lstatSync(consumer.path("/dev/card"));
    await bench.reconcile(
      [card("one"), card("two"), entry("raw")],
      /Link established: client\/raw/,
    );
    expect(node()?.ino).toBe(ino);
    await bench.reconcile([card("two")], "Link established: client/two");
    expect(node()?.isCharacterDevice()).toBe(true);
  });

  it("keeps the consumer's own node, also one of the same device", async () => {
    execFileSync("mknod", ["-m", "600", consumer.path("/dev/card"), "c", "226", "0"]);
    const { ino } = lstatSync(consumer.path("/dev/card"));
    await bench.reconcile([card("one")], "Failed to add link for one");
    expect(bench.lines.join("\n")).toContain("it is already there: a character device");
    await bench.reconcile([], "Removing link: client/one");
    expect(node()?.ino).toBe(ino);
  });

  it("is taken over from a broker that left the very node behind", async () => {
    execFileSync("mknod", ["-m", "660", consumer.path("/dev/card"), "c", "226", "0"]);
    await bench.reconcile([card("one")], "Link established: client/one");
    await bench.reconcile([], "Removing link: client/one");
    expect(node()).toBeUndefined();
  });

  it("is named by its own name, and once, where nothing can be made", async () => {
    await bench.reconcile(
      [entry("ro", { target: "/readonly/x.sock" })],
      "client/ro: cannot provide /readonly/x.sock in client: EROFS: bind 'x.sock'",
    );
    await bench.reconcile(
      [entry("ro", { target: "/readonly/x.sock" }), entry("raw")],
      /client\/raw$/,
    );
    expect(bench.lines.filter((line) => line === "Failed to add link for ro")).toHaveLength(1);
  });

  it("gets no node that a user namespace's own file system would let nobody open", async () => {
    const other = await bench.container({ ownUsers: true });
    const link = { ...card("one"), consumer_pid: other.pid };
    await bench.reconcile([link, { ...entry("raw"), consumer_pid: other.pid }], /client\/raw$/);
    expect(bench.lines.join("\n")).toContain(
      "cannot provide /dev/card in client: it is on a file system that allows no devices",
    );
    expect(readdirSync(other.path("/dev"))).toEqual([]);
  });

  it.each(["unix", "rest"])("is left free where a %s link would serve itself", async (type) => {
    const self = { type, provider_pid: consumer.pid, target: "/run/./own", socket: "/run/own" };
    await bench.reconcile([entry("self", self)], "Failed to add link for self");
    expect(bench.lines.join("\n")).toContain(
      "client/self: cannot provide /run/./own in client: the provider's /run/own is the link itself",
    );
    expect(readdirSync(consumer.path("/run"))).toEqual([]);
  });

  it("is left free where the provider is none that links may reach", async () => {
    const link = entry("raw", { provider_pid: process.pid });
    await bench.reconcile([link], "Failed to add link for raw");
    expect(bench.lines.join("\n")).toContain("has no file system of its own");
    expect(readdirSync(consumer.path("/run"))).toEqual([]);
  });

  it("is left free where a default ACL takes the socket's permissions away", async () => {
    mkdirSync(consumer.path("/run/private"));
    execFileSync("python3", ["-c", PRIVATE_ACL, consumer.path("/run/private")]);
    const link = entry("raw", { target: "/run/private/raw.sock" });
    await bench.reconcile([link], "Failed to add link for raw");
    expect(bench.lines.join("\n")).toContain("its mode is 600 instead of 666");
    expect(readdirSync(consumer.path("/run/private"))).toEqual([]);
  });
});
