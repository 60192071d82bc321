import { expect, it } from "vitest";
import { ociConfig } from "./oci-config.ts";

const additions = {
  name: "c",
  root: "/volumes/c/rootfs",
  controlSocket: "/run/pv-ctrl",
  environment: { PVH_TIME_SCALE: "50" },
};
const own = {
  ociVersion: "1.0.2",
  process: { terminal: true, args: ["/init"], env: ["A=b"], cwd: "/" },
  root: { path: "/", readonly: true },
  mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
  linux: { cgroupsPath: "/lxc.payload.other", namespaces: [{ type: "pid" }] },
};

it("pantavisor's values win over the container's own, which stay where there are none", () => {
  expect(ociConfig(JSON.stringify(own), additions)).toEqual({
    ociVersion: "1.0.2",
    hostname: "c",
    process: { terminal: false, args: ["/init"], env: ["A=b", "PVH_TIME_SCALE=50"], cwd: "/" },
    root: { path: "/volumes/c/rootfs", readonly: false },
    mounts: [
      own.mounts[0],
      {
        destination: "/pantavisor/pv-ctrl",
        type: "bind",
        source: "/run/pv-ctrl",
        options: ["bind"],
      },
    ],
    linux: { cgroupsPath: "/runc.payload.c", namespaces: [{ type: "pid" }] },
  });
});

it.each([
  ["process", {}],
  ["process.args", { process: { args: [] } }],
  ["hooks: would run in the appengine", { ...own, hooks: { prestart: [{ path: "/bin/sh" }] } }],
])("a configuration that cannot be used is refused: %s", (key, config) => {
  expect(() => ociConfig(JSON.stringify(config), additions)).toThrow(key);
});

it("a key that comes twice in it is refused by its path", () => {
  const twice = '{"process":{"args":["/init"],"args":["/other"]}}';
  expect(() => ociConfig(twice, additions)).toThrow("process.args: comes twice, at position 29");
});
