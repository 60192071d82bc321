import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { STATE_SPEC } from "../../broker/shared/formats/state.ts";
import { PvhError } from "../errors.ts";
import { PROJECT } from "../image/sources.ts";
import { defineContainer } from "./container-definition.ts";
import { readExample } from "./container-folder.ts";
import type { JsonObject } from "./json-value.ts";
import { configOf, fragmentOf, lxcConfOf, runManifestOf, sourceManifestOf } from "./manifest.ts";
import { sha256Of } from "./write-export.ts";

describe("an example's export has the shape of the one recorded on a real appengine", () => {
  test.each([
    "pv-example-unix-client",
    "pv-example-unix-server",
    "pv-example-recovery",
    "pv-example-dbus-client-nobody",
  ])("%s", async (name) => {
    const recorded = await recordedExport(name);
    const { definition } = await readExample(name);

    const conf = lxcConfOf(definition);
    expect(conf).toBe(recorded.conf);

    const root = recorded.fragment[`${name}/root.squashfs`];
    if (typeof root !== "string") throw new Error("the recording has no root.squashfs");
    const made = { "#spec": STATE_SPEC, ...fragmentOf(definition, { conf: sha256Of(conf), root }) };
    const text = JSON.stringify(made).replace(
      '"pv_build_origin":"pvh"',
      '"pv_build_origin":"yocto"',
    );
    // As text, so that the order of the keys counts too.
    expect(text).toBe(JSON.stringify(recorded.fragment));
  });
});

describe("args.json becomes run.json", () => {
  test("the older services with socket become required services with target", () => {
    const run = runManifestOf(
      defineContainer({
        name: "c",
        args: { services: [{ type: "unix", name: "raw", provider: "p", socket: "/run/raw.sock" }] },
      }),
    );
    expect(run["services"]).toEqual({
      required: [{ type: "unix", name: "raw", provider: "p", target: "/run/raw.sock" }],
    });
  });

  test("a container of type runc has an OCI configuration instead of one of LXC", () => {
    const definition = defineContainer({ name: "c", type: "runc", program: "/bin/x" });
    const fragment = fragmentOf(definition, { conf: "1", root: "2" });
    expect(fragment).toMatchObject({
      "c/config.oci": "1",
      "c/run.json": { type: "runc", config: "config.oci" },
    });
    expect(JSON.parse(configOf(definition))).toMatchObject({ process: { args: ["/bin/x"] } });
  });

  const bind = {
    destination: "/var/lib/x",
    type: "bind",
    source: "/volumes/c/docker--var-lib-x",
    options: ["bind", "rw"],
  };
  test.each([
    ["lxc", `entry = ${bind.source} var/lib/x none bind,rw,create=dir 0 0\n`],
    ["runc", JSON.stringify(bind)],
  ])(
    "a volume of a container of type %s is its storage, and in its configuration",
    (type, text) => {
      const definition = defineContainer({
        name: "c",
        type,
        volumes: { "/var/lib/x": "permanent" },
      });
      expect(runManifestOf(definition)["storage"]).toEqual({
        "docker--var-lib-x": { persistence: "permanent" },
        "lxc-overlay": { persistence: "boot" },
      });
      expect(configOf(definition)).toContain(text);
    },
  );

  test("what an example keeps is its storage, and in src.json", async () => {
    const { definition } = await readExample("pv-example-stabilize");
    expect(runManifestOf(definition)["storage"]).toEqual({
      "lxc-overlay": { persistence: "revision" },
    });
    expect(sourceManifestOf(definition)["persistence"]).toEqual({ "lxc-overlay": "revision" });
  });

  test("each argument goes to its place and keeps what is beside it", () => {
    const run = runManifestOf(
      defineContainer({
        name: "c",
        args: {
          PV_GROUP: "platform",
          PV_DRIVERS_OPTIONAL: ["wifi"],
          PV_SERVICES_OPTIONAL: ["raw"],
          PV_NETWORK_POOL: "internal",
          PV_NETWORK_IP: "10.0.5.50",
          PV_ROLES: ["nobody"],
          PV_STATUS_GOAL: "READY",
        },
      }),
    );
    expect(run).toMatchObject({
      group: "platform",
      drivers: { required: [], optional: ["wifi"], manual: [] },
      services: { optional: ["raw"] },
      network: { pool: "internal", ip: "10.0.5.50" },
      roles: ["nobody"],
      status_goal: "READY",
    });
  });

  test("an argument that pvh does not render is refused by name", () => {
    const definition = defineContainer({ name: "c", args: { PV_LXC_CAP_DROP: "sys_admin" } });
    expect(() => runManifestOf(definition)).toThrow(/does not render PV_LXC_CAP_DROP/);
  });
});

describe("a container defined in a scenario", () => {
  test("is in group app, idles, and exports its services under #spec", () => {
    const services = [{ name: "s", type: "unix", socket: "/run/s.sock" }];
    expect(defineContainer({ name: "probe", services })).toEqual({
      name: "probe",
      group: "app",
      entrypoint: ["/usr/lib/pv-example/idle"],
      args: {},
      services: { "#spec": "service-manifest-xconnect@1", services },
    });
  });

  test("keeps a whole services.json as it is", () => {
    const services = { services: [] };
    expect(defineContainer({ name: "probe", services }).services).toBe(services);
  });

  test.each(["", "a/b", "a b", "é", "x".repeat(65)])("may not be named %j", (name) => {
    expect(() => defineContainer({ name })).toThrow(PvhError);
  });
});

async function recordedExport(name: string): Promise<{ fragment: JsonObject; conf: string }> {
  const folder = join(PROJECT, "fixtures/exports/recorded", name);
  return {
    fragment: JSON.parse(await readFile(join(folder, "json"), "utf8")) as JsonObject,
    conf: await readFile(join(folder, "lxc.container.conf"), "utf8"),
  };
}
