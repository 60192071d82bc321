import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { folderBeneath } from "./beneath.ts";

/** Mounts are made in a mount namespace of their own, which takes them along when it ends. */
let folder: string;
const at = (...path: string[]) => join(folder, ...path);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-storage-"));
  mkdirSync(at("storage"));
  mkdirSync(at("outside"));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Mounting {
  readonly volumes: object;
  readonly revision?: string;
  readonly taken?: readonly string[];
}

/** Mount, run a shell script in the volumes' folder `v/c`, and give what it printed. */
function mounted({ volumes, revision = "0", taken = [] }: Mounting, script = "true"): string {
  const plan = { name: "c", volumes, revision, storage: at("storage"), folder: at("v/c"), taken };
  const program = `
    import { execFileSync } from "node:child_process";
    import { mountStorage } from ${JSON.stringify(join(import.meta.dirname, "storage-volumes.ts"))};
    try {
      mountStorage({ ...${JSON.stringify(plan)}, quirks: { has: () => false } });
      process.stdout.write(execFileSync("sh", ["-ec", ${JSON.stringify(script)}], { cwd: ${JSON.stringify(at("v/c"))} }));
    } catch (error) { process.stdout.write("refused: " + error.message); }`;
  const node = [process.execPath, "--input-type=module", "--eval", program];
  return execFileSync("unshare", ["-m", "--propagation", "private", ...node], { encoding: "utf8" });
}

describe.skipIf(process.getuid?.() !== 0)("volumes of a container (needs root)", () => {
  it("keep what is written as long as their persistence says", () => {
    const persistences = ["permanent", "revision", "boot", "built-in"];
    const volumes = Object.fromEntries(
      persistences.map((one) => [`docker--${one}`, { persistence: one }]),
    );
    const look = "for v in docker--*; do [ ! -e $v/kept ] || echo $v; touch $v/kept; done";
    expect(mounted({ volumes }, look)).toBe("");
    expect(mounted({ volumes }, look)).toBe("docker--permanent\ndocker--revision\n");
    expect(mounted({ volumes, revision: "locals/two" }, look)).toBe("docker--permanent\n");
    expect(readdirSync(at("storage/disks/perm/c"))).toEqual(["docker--permanent"]);
    expect(readdirSync(at("storage/disks/rev/locals/two/c/docker--revision"))).toEqual(["kept"]);
  });

  it("belong to root: 755 on the disk, 1777 in memory", () => {
    const volumes = { p: { persistence: "permanent" }, b: { persistence: "boot" } };
    expect(mounted({ volumes }, "stat -c '%n %a %u:%g' *")).toBe(
      "b 1777 0:0\nlxc-overlay 755 0:0\np 755 0:0\n",
    );
    expect(mounted({ volumes }, "ls lxc-overlay")).toBe("upper\nwork\n");
  });

  it("have names as images of Docker give them", () => {
    const names = ["docker--home-user-.ssh", "docker--data dir", "docker--ä", "-x", "..."];
    const volumes = Object.fromEntries(names.map((name) => [name, { persistence: "permanent" }]));
    mounted({ volumes });
    expect(readdirSync(at("storage/disks/perm/c")).sort()).toEqual(names.sort());
  });

  it("are none without persistence, but for the overlay", () => {
    expect(mounted({ volumes: { v: {}, "lxc-overlay": {} } }, "ls")).toBe("lxc-overlay\n");
  });

  it.each<readonly [string, Mounting, string]>([
    [
      "a disk that there is not",
      { volumes: { v: { persistence: "boot", disk: "d" } } },
      "requires disk 'd' which was not found",
    ],
    [
      "the name of an image",
      { volumes: { i: { persistence: "boot" } }, taken: ["i"] },
      "volume 'i' is an image too",
    ],
    [
      "a way out",
      { volumes: { "../x": { persistence: "permanent" } } },
      "not a single path component",
    ],
    [
      "an absolute path",
      { volumes: { "/x": { persistence: "permanent" } } },
      "not a single path component",
    ],
  ])("are refused for %s", (_, mounting, reason) => {
    expect(mounted(mounting)).toContain(reason);
    expect(
      readdirSync(folder)
        .sort()
        .filter((name) => name !== "v"),
    ).toEqual(["outside", "storage"]);
  });

  it.each([
    ["disks/perm", "permanent"],
    ["disks/perm/c", "permanent"],
    ["disks/perm/c/v", "permanent"],
    ["disks/rev/0/c/v", "revision"],
  ])("never follow a link in old storage at %s", (link, persistence) => {
    mkdirSync(at("storage", link, ".."), { recursive: true });
    symlinkSync(at("outside"), at("storage", link));
    expect(mounted({ volumes: { v: { persistence } } }, "touch v/x")).toContain(
      `${link} is not a folder`,
    );
    expect(readdirSync(at("outside"))).toEqual([]);
  });

  it("do not take a link that a container has put where the overlay's upper layer was", () => {
    const volumes = { "lxc-overlay": { persistence: "permanent" } };
    mounted({ volumes }, `rm -r lxc-overlay/upper; ln -s ${at("outside")} lxc-overlay/upper`);
    expect(mounted({ volumes })).toContain("lxc-overlay/upper is not a folder");
  });
});

describe("a folder beneath another", () => {
  it("is made with what is missing above it, and held", () => {
    using held = folderBeneath(at("storage"), ["a", "b"]);
    expect(statSync(at("storage/a/b")).mode & 0o777).toBe(0o755);
    rmSync(at("storage/a/b"), { recursive: true });
    symlinkSync(at("outside"), at("storage/a/b"));
    expect(() => writeFileSync(join(held.path, "x"), "")).toThrow("ENOENT");
  });

  it("is not a file, a link or a name that leads elsewhere", () => {
    writeFileSync(at("storage/file"), "kept");
    symlinkSync("file", at("storage/link"));
    symlinkSync(at("outside"), at("storage/away"));
    for (const name of ["file", "link", "away"]) {
      expect(() => folderBeneath(at("storage"), [name])).toThrow(`${name} is not a folder`);
    }
    for (const name of ["..", ".", "", "a/b"]) {
      expect(() => folderBeneath(at("storage"), [name])).toThrow("not a single path component");
    }
    expect(readFileSync(at("storage/file"), "utf8")).toBe("kept");
  });
});
