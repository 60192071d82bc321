import { expect, test } from "vitest";
import { hostConfig } from "../engine/privilege-profile.ts";
import { dockerCommands } from "./docker-commands.ts";

const WANTED = {
  name: "try",
  image: "pantavisor-appengine:1.0",
  entrypoint: ["/usr/bin/pv-appengine", "it's"],
  exports: ["/tmp/a b.pvrexport.tgz"],
  environment: ["PV_LOG_LEVEL=5"],
};

test("the commands ask for what the profile has, quoted", () => {
  const script = dockerCommands({
    ...WANTED,
    config: { ...hostConfig(["SYS_RESOURCE"]), PidsLimit: 8192 },
  });
  const lines = script.split("\n");
  expect(lines.slice(0, 4)).toEqual([
    "docker create --name try \\",
    "  --network none \\",
    "  --volume try-storage:/var/pantavisor/storage \\",
    "  --env PV_LOG_LEVEL=5 \\",
  ]);
  for (const flag of [
    "--cap-add ALL",
    "--cap-drop SYS_RESOURCE",
    "--security-opt seccomp=unconfined",
    "--security-opt systempaths=unconfined",
    "--device-cgroup-rule 'a *:* rwm'",
    "--cgroupns private",
    "--pids-limit 8192",
  ]) {
    expect(lines).toContain(`  ${flag} \\`);
  }
  expect(script).not.toContain("--privileged");
  expect(script).toContain(String.raw`pvh-boot /usr/bin/pv-appengine 'it'\''s'`);
  expect(lines.slice(-3)).toEqual([
    "docker cp '/tmp/a b.pvrexport.tgz' try:/usr/lib/pantavisor/pvtx.d/",
    "docker start try",
    "",
  ]);
});

test("where nothing is missing the engine is asked for all privileges", () => {
  expect(dockerCommands({ ...WANTED, config: hostConfig([]) })).toContain("  --privileged \\\n");
});
