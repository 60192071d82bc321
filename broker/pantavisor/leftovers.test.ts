import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cleanLeftovers } from "./leftovers.ts";

it("a cgroup that goes while it is looked at keeps nothing from starting", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pvh-leftovers-"));
  for (const path of ["cgroup", "lxc/a"]) mkdirSync(join(folder, path), { recursive: true });
  // Listed, and not there.
  symlinkSync("gone", join(folder, "cgroup/lxc.payload.a"));
  await cleanLeftovers({
    cgroups: join(folder, "cgroup"),
    volumes: join(folder, "volumes"),
    runtimes: [join(folder, "lxc")],
    daemonFiles: [join(folder, "daemon.json")],
  });
  const left = readdirSync(join(folder, "lxc"));
  rmSync(folder, { recursive: true });
  expect(left).toEqual([]);
});
