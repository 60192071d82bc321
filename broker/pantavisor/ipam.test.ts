import fc from "fast-check";
import { expect, test } from "vitest";
import {
  hostsOf,
  isInside,
  parsePools,
  showAddress,
  toAddress,
} from "../shared/formats/network.ts";
import { PROPERTY_RUNS } from "../shared/formats/property-runs.fixture.ts";
import { STATE_SPEC, parseState } from "../shared/formats/state.ts";
import { Ipam, networkRefusals } from "./ipam.ts";

const POOL = { type: "bridge", bridge: "pvbr0", subnet: "10.0.5.0/29", gateway: "10.0.5.1" };

function state(
  networks: Readonly<Record<string, object | undefined>>,
  pools: object = { p: POOL },
) {
  const runs = Object.entries(networks).map(([name, network]) => [
    `${name}/run.json`,
    { "#spec": "service-manifest-run@1", name, ...(network && { network }) },
  ]);
  return parseState({
    "#spec": STATE_SPEC,
    "device.json": { network: { pools } },
    ...(Object.fromEntries(runs) as object),
  });
}
const noConfig = (): string => "";

test("addresses are given from behind the gateway on, and kept over restarts", () => {
  const ipam = new Ipam();
  const { pools, containers } = state({ a: { pool: "p" }, b: { pool: "p" } });
  ipam.begin(state({ a: { pool: "p" }, b: { pool: "p" } }), noConfig);
  const lease = (name: string) => ipam.lease(name, { pool: "p" }, pools);
  expect(containers).toHaveLength(2);
  expect(lease("a")).toMatchObject({
    lease: { address: "10.0.5.2/29", gateway: "10.0.5.1", mac: "02:00:0a:00:05:02" },
    line: { message: "allocated 10.0.5.2/29 to a from pool p" },
  });
  expect(lease("b")?.lease.address).toBe("10.0.5.3/29");
  expect(lease("a")?.line.message).toBe("reusing existing lease for a: 10.0.5.2/29");
});

test("an address that a container outside of the pool has is reserved, and a full pool says so", () => {
  const ipam = new Ipam();
  const both = state({ own: undefined, a: { pool: "p" } });
  const lines = ipam.begin(both, ({ name }) =>
    name === "own" ? "lxc.net.0.ipv4.address = 10.0.5.2/29\n" : "",
  );
  expect(lines.map(({ message }) => message)).toEqual([
    "added pool 'p': type=bridge, bridge=pvbr0, subnet=10.0.5.0/29, gateway=10.0.5.1, nat=no",
    "reserved static IP 10.0.5.2 (from own) in pool 'p'",
  ]);
  const given = ["a", "b", "c", "d"].map(
    (name) => ipam.lease(name, { pool: "p" }, both.pools)?.lease.address,
  );
  expect(given).toEqual(["10.0.5.3/29", "10.0.5.4/29", "10.0.5.5/29", "10.0.5.6/29"]);
  expect(ipam.lease("e", { pool: "p" }, both.pools)).toBeUndefined();
});

test("what cannot be had is refused with the container's name", () => {
  const refusals = (networks: Readonly<Record<string, object>>, config = "") =>
    networkRefusals(state(networks), () => config);
  expect(refusals({ a: { pool: "q" } })).toEqual([
    "platform 'a' references unknown pool 'q', refusing to start",
  ]);
  expect(refusals({ a: { pool: "p", ip: "192.168.9.1" } })[0]).toMatch(
    /'a' asks for 192\.168\.9\.1/,
  );
  expect(refusals({ a: { pool: "p", ip: "10.0.5.1" } })[0]).toMatch(/the gateway/);
  const twice = { a: { pool: "p", ip: "10.0.5.4" }, b: { pool: "p", ip: "10.0.5.4" } };
  expect(refusals(twice)).toEqual(["platform 'b' asks for 10.0.5.4, which is that of 'a'"]);
  expect(refusals({ a: { pool: "p" } }, "lxc.net.0.type = veth")[0]).toMatch(/lxc\.net\.\*/);
  expect(refusals({ a: { mode: "host", pool: "q" } })).toEqual([]);
});

test("keys without a value count as left out", () => {
  const { containers } = state({ a: { pool: "", ip: null, hostname: "a_b.1", mac: "" } });
  expect(containers[0]?.run.network).toMatchObject({ pool: undefined, hostname: "a_b.1" });
});

test("a pool that is none is told by its key", () => {
  for (const wrong of [{ subnet: "10.0.5.0" }, { gateway: "10.0.6.1" }, { type: "macvlan" }]) {
    expect(() => state({}, { p: { ...POOL, ...wrong } })).toThrow(/device\.json: network\.pools/);
  }
});

test("every address is shown as it was read, and only hosts are inside", () => {
  const byte = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(
      fc.tuple(byte, byte, byte, byte),
      fc.integer({ min: 8, max: 30 }),
      (bytes, prefix) => {
        const text = bytes.join(".");
        const address = toAddress(text) ?? -1;
        expect(showAddress(address)).toBe(text);
        const size = 2 ** (32 - prefix);
        const subnet = { base: Math.floor(address / size) * size, prefix };
        const { first, last } = hostsOf(subnet);
        expect(isInside(subnet, address)).toBe(address >= first && address <= last);
      },
    ),
    { numRuns: PROPERTY_RUNS },
  );
  expect(parsePools({ p: POOL }).get("p")?.subnet).toEqual({
    base: toAddress("10.0.5.0"),
    prefix: 29,
  });
});
