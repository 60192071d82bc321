import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pvtxCommand } from "./command.ts";

/**
 * Behaviours that Pantavisor's own tests of pvtx require (test/pvtx in its repository), one by
 * one, with states and words of ours. docs/updates.md lists them.
 */
const SPEC = { "#spec": "pantavisor-service-system@1" };
const ROOT = Buffer.from("a root file system");
const SHA = createHash("sha256").update(ROOT).digest("hex");
const OTHER = "b".repeat(64);

let folder: string;
const at = (...path: string[]) => join(folder, ...path);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-behave-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function pvtx(...args: string[]): Promise<Outcome> {
  let [stdout, stderr] = ["", ""];
  const code = await pvtxCommand(args, {
    environment: { PVTXDIR: at("pvtx") },
    print: (text) => (stdout += text),
    printError: (text) => (stderr += text),
  });
  return { code, stdout, stderr };
}

/** Verbs that must succeed, each as words. */
async function all(...calls: string[]): Promise<void> {
  for (const call of calls) {
    const { code, stderr } = await pvtx(...call.split(" "));
    expect([call, code, stderr]).toEqual([call, 0, ""]);
  }
}

/** `show` of a state that says of itself what it is, the same each time. */
async function shown(): Promise<Record<string, unknown>> {
  const [first, second] = [await pvtx("show"), await pvtx("show")];
  expect(second).toEqual(first);
  const state = JSON.parse(first.stdout) as Record<string, unknown>;
  expect(state).toMatchObject(SPEC);
  return state;
}

function file(name: string, content: object): string {
  writeFileSync(at(name), JSON.stringify({ ...SPEC, ...content }));
  return at(name);
}

async function archive(name: string, content: object, ...objects: Buffer[]): Promise<string> {
  const tar = pack();
  tar.entry({ name: "json" }, JSON.stringify({ ...SPEC, ...content }));
  for (const object of objects) {
    const sha256 = createHash("sha256").update(object).digest("hex");
    tar.entry({ name: `objects/${sha256}` }, object);
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  writeFileSync(at(name), name.endsWith("gz") ? gzipSync(bytes) : bytes);
  return at(name);
}

function signature(include: readonly string[], exclude: readonly string[] = []): object {
  const header = { alg: "RS256", jwk: { kty: "RSA" }, pvs: { include, exclude }, typ: "PVS" };
  const text = Buffer.from(JSON.stringify(header)).toString("base64url");
  return { "#spec": "pvs@2", protected: text, signature: "c2lnbmF0dXJl" };
}

/** A container as pvr exports it: signed with its configuration, its src.json left out. */
function container(name: string, root = OTHER, config: Record<string, string> = {}): object {
  const files = Object.entries(config).map(([path, sha]) => [`_config/${name}/${path}`, sha]);
  return {
    ...(Object.fromEntries(files) as object),
    [`_sigs/${name}.json`]: signature(
      [`${name}/**`, `_config/${name}/**`],
      [`${name}/src.json`, `_sigs/${name}.json`],
    ),
    [`${name}/lxc.container.conf`]: OTHER,
    [`${name}/root.squashfs`]: root,
    [`${name}/root.squashfs.docker-digest`]: OTHER,
    [`${name}/run.json`]: { "#spec": "service-manifest-run@1", name },
    [`${name}/src.json`]: { "#spec": "service-manifest-src@1" },
  };
}

const CONFIGURED = { "etc/rules.v4": OTHER, "etc/conf.d/hot spot.json": OTHER };
const wifi = container("wifi", OTHER, CONFIGURED);
const sdk = {
  ...container("sdk"),
  "sdk/_dm/root.squashfs.json": { type: "dm-verity" },
  "sdk/root.squashfs.hash": OTHER,
};
const rest = { "device.json": { disks: [] }, "storage-mapping.json": {}, ...sdk };
const initial = { ...rest, ...wifi };

describe("a transaction", () => {
  it("that begins empty holds the specification and nothing else", async () => {
    await all("begin empty");
    expect(await shown()).toEqual(SPEC);
  });

  it("that is empty says which specification it follows", async () => {
    await all("begin empty");
    expect((await shown())["#spec"]).toBe(SPEC["#spec"]);
  });

  it("keeps keys with blanks", async () => {
    const spaced = { "_config/c/a name with blanks.txt": OTHER };
    await all("begin empty", `add ${file("spaces.json", spaced)}`);
    expect(await shown()).toEqual({ ...SPEC, ...spaced });
  });

  it("gives a state that was added back as it was", async () => {
    await all("begin empty", `add ${file("state.json", initial)}`);
    expect(await shown()).toEqual({ ...SPEC, ...initial });
  });

  it("shows the same each time", async () => {
    await all("begin empty", `add ${file("state.json", initial)}`);
    expect(await shown()).toEqual(await shown());
  });

  it("is not changed by adding the same again", async () => {
    await all("begin empty", `add ${file("state.json", initial)}`, `add ${at("state.json")}`);
    expect(await shown()).toEqual({ ...SPEC, ...initial });
  });

  it("keeps its specification when a container is removed", async () => {
    await all("begin empty", `add ${file("state.json", initial)}`, "remove wifi", "remove #spec");
    expect((await shown())["#spec"]).toBe(SPEC["#spec"]);
  });

  it("that was aborted leaves nothing to the next", async () => {
    await all("begin empty", `add ${file("state.json", initial)}`, "abort", "begin empty");
    expect(await shown()).toEqual(SPEC);
    await all("abort", "abort");
    expect((await pvtx("show")).code).toBe(11);
  });

  it("that is local is not committed", async () => {
    await all(`begin empty ${at("objects")}`);
    expect(await pvtx("commit")).toEqual({
      code: 12,
      stdout: "",
      stderr: "pvtx commit: the transaction is local: deploy it\n",
    });
    expect((await pvtx("begin", "empty")).code).toBe(255);
  });
});

describe("remove", () => {
  it.each([
    ["a signature", "_sigs/wifi.json"],
    ["a container by its name", "wifi"],
    ["a container by its configuration", "_config/wifi"],
  ])("takes the whole of it for %s", async (_, part) => {
    await all("begin empty", `add ${file("state.json", initial)}`, `remove ${part}`);
    expect(await shown()).toEqual({ ...SPEC, ...rest });
  });

  it("takes the files of a configuration package, not the container that they are for", async () => {
    const nginx = container("nginx");
    const site = {
      "_config/nginx/etc/site": OTHER,
      "_sigs/nginx-site.json": signature(["_config/nginx/etc/site"], ["src.json", "_sigs/.json"]),
    };
    const state = file("state.json", {
      ...nginx,
      "_sigs/nginx.json": signature(["nginx/**"], ["nginx/src.json", "_sigs/nginx.json"]),
      ...site,
    });
    await all("begin empty", `add ${state}`, "remove _sigs/nginx-site.json");
    expect(Object.keys(await shown()).sort()).toEqual(["#spec", ...Object.keys(nginx)].sort());
  });
});

describe("add", () => {
  it("replaces a container by its new version, with its configuration", async () => {
    const update = container("wifi", SHA, { "etc/rules.v6": OTHER });
    await all(
      "begin empty",
      `add ${file("state.json", initial)}`,
      `add ${await archive("wifi.tar.gz", update)}`,
    );
    expect(await shown()).toEqual({ ...SPEC, ...rest, ...update });
  });

  it("takes a plain tar, with its objects", async () => {
    const watchdog = container("watchdog", SHA);
    const path = await archive("watchdog.tar", watchdog, ROOT, Buffer.from("b"));
    await all("begin empty");
    await all(`add ${path}`, "abort", `begin empty ${at("objects")}`);
    const needed = { "w/root.squashfs": SHA };
    await all(`add ${await archive("needed.tar", needed, ROOT)}`);
    expect(await shown()).toEqual({ ...SPEC, ...needed });
    expect(readFileSync(at("objects", SHA))).toEqual(ROOT);
  });

  it("takes a new container beside those that are there", async () => {
    const vault = container("vault");
    await all(
      "begin empty",
      `add ${file("state.json", initial)}`,
      `add ${await archive("vault.tar.gz", vault)}`,
    );
    expect(await shown()).toEqual({ ...SPEC, ...initial, ...vault });
  });

  it("takes an export from standard input", async () => {
    await all(`begin empty ${at("objects")}`, `add ${file("state.json", { "a/run.json": {} })}`);
    const path = await archive("b.tgz", { "b/root.squashfs": SHA }, ROOT);
    const main = join(import.meta.dirname, "../../pvtx.main.ts");
    const added = spawnSync(process.execPath, [main, "add", "-"], {
      input: readFileSync(path),
      env: { ...process.env, PVTXDIR: at("pvtx") },
      encoding: "utf8",
    });
    expect([added.status, added.stderr]).toEqual([0, ""]);
    expect(await shown()).toEqual({ ...SPEC, "a/run.json": {}, "b/root.squashfs": SHA });
    expect(readFileSync(at("objects", SHA))).toEqual(ROOT);
  });

  it("takes a bare state before its objects, which deploy then asks for", async () => {
    await all("abort", `begin empty ${at("objects")}`);
    await all(`add ${file("state.json", { "a/root.squashfs": SHA })}`);
    const refused = await pvtx("deploy", at("0"));
    expect(refused.code).toBe(255);
    expect(refused.stderr).toContain(`a/root.squashfs: its object ${SHA} is missing`);
    await all(`add ${await archive("a.tgz", { "a/root.squashfs": SHA }, ROOT)}`);
    await all(`deploy ${at("0")}`);
    expect(readFileSync(at("0/a/root.squashfs"))).toEqual(ROOT);
  });

  it("takes a container with its system files from a tar.gz", async () => {
    const os = container("os");
    await all("begin empty", `add ${await archive("os.tar.gz", os)}`);
    expect(await shown()).toEqual({ ...SPEC, ...os });
  });

  describe("replaces a board support package with all that its signature owns", () => {
    const bsp = (version: string, documents: object) => ({
      "_sigs/bsp.json": signature(
        ["bsp/**", "#spec", ...Object.keys(documents)],
        ["bsp/build.json", "bsp/src.json", "_sigs/bsp.json", "_sigs/.json"],
      ),
      "bsp/run.json": { version },
      ...documents,
    });
    const update = bsp("2", { "device.json": { groups: [] } });

    it("device.json", async () => {
      const old = { ...bsp("1", { "device.json": {} }), "bsp/old.squashfs": OTHER };
      await all(
        "begin empty",
        `add ${file("old.json", old)}`,
        `add ${await archive("bsp.tgz", update)}`,
      );
      expect(await shown()).toEqual({ ...SPEC, ...update });
    });

    it("the older groups.json and disks.json", async () => {
      const old = bsp("1", { "groups.json": [], "disks.json": [] });
      await all(
        "begin empty",
        `add ${file("old.json", old)}`,
        `add ${await archive("bsp.tgz", update)}`,
      );
      expect(await shown()).toEqual({ ...SPEC, ...update });
    });
  });

  it("takes away the configuration that a new version does not have", async () => {
    const [withIt, without] = [container("web", OTHER, { "var/version": OTHER }), container("web")];
    await all("begin empty", `add ${file("with.json", withIt)}`);
    expect(await shown()).toEqual({ ...SPEC, ...withIt });
    await all(`add ${file("without.json", without)}`);
    expect(await shown()).toEqual({ ...SPEC, ...without });
  });
});

describe("of two packages that sign the same files", () => {
  const [shared, only] = ["_config/os/etc/shared", "_config/os/var/only-a"];
  const packageOf = (name: string, globs: readonly string[], files: readonly string[]) => ({
    ...Object.fromEntries(files.map((path) => [path, OTHER])),
    [`_sigs/${name}.json`]: signature([...globs, `${name}/id.json`], [`_sigs/${name}.json`]),
    [`${name}/id.json`]: { name },
  });

  it.each([
    ["by their paths", [shared, only], [shared]],
    ["by globs", ["_config/os/etc/**", "_config/os/var/**"], ["_config/os/etc/**"]],
  ])("the removal of one leaves the files of the other: %s", async (_, globsOfA, globsOfB) => {
    const a = packageOf("a", globsOfA, [shared, only]);
    const b = packageOf("b", globsOfB, [shared]);
    await all(
      "begin empty",
      `add ${file("a.json", a)}`,
      `add ${file("b.json", b)}`,
      "remove _sigs/a.json",
    );
    expect(await shown()).toEqual({ ...SPEC, ...b });
  });
});

describe("a queue", () => {
  const queue = () => `queue new ${at("queue")} ${at("objects")}`;
  const bytesOfStatus = () => readFileSync(at("pvtx/.status"));

  it("is noted in the status file: set, local, with its folders", async () => {
    await all(queue());
    const text = (offset: number) => bytesOfStatus().toString("utf8", offset).split("\0")[0];
    expect([bytesOfStatus().readInt32LE(0), bytesOfStatus().readInt32LE(4)]).toEqual([1, 1]);
    expect([text(8), text(8 + 4096)]).toEqual([at("objects"), at("queue")]);
    await all("begin empty");
    expect(bytesOfStatus().readInt32LE(0)).toBe(2);
    expect((await pvtx(...queue().split(" "))).code).toBe(12);
  });

  it("is a folder of actions that are named by their number and part", async () => {
    await all(
      queue(),
      "queue remove nginx",
      "queue remove _config/nginx",
      "queue remove _sigs/nginx-site.json",
      `queue unpack ${await archive("b.tgz", { "b/root.squashfs": SHA }, ROOT)}`,
    );
    expect(readdirSync(at("queue")).sort()).toEqual([
      "000__nginx.remove",
      "001___config%2Fnginx.remove",
      "002___sigs%2Fnginx-site.json.remove",
      "003__b.tgz",
    ]);
    expect(readdirSync(at("queue/003__b.tgz"))).toEqual(["json"]);
    expect(existsSync(at("objects", SHA))).toBe(true);
  });

  it("is applied to the transaction that begins behind it, from a file of JSON", async () => {
    const b = { "b/root.squashfs": SHA };
    await all(
      queue(),
      `queue unpack ${await archive("b.tgz", b, ROOT)}`,
      `begin ${file("state.json", initial)}`,
      "queue process",
    );
    expect(await shown()).toEqual({ ...SPEC, ...initial, ...b });
  });

  it("removes what it was told to", async () => {
    await all(
      queue(),
      "queue remove _sigs/wifi.json",
      `begin ${file("state.json", initial)}`,
      "queue process",
    );
    expect(await shown()).toEqual({ ...SPEC, ...rest });
  });

  it("is deployed: the state on the disk is the one that is shown", async () => {
    await all(
      queue(),
      `queue unpack ${await archive("b.tgz", { "b/root.squashfs": SHA }, ROOT)}`,
      "begin empty",
      "queue process",
    );
    const state = await shown();
    await all(`deploy ${at("deployed")}`);
    expect(JSON.parse(readFileSync(at("deployed/.pvr/json"), "utf8"))).toEqual(state);
    expect(JSON.parse(readFileSync(at("deployed/.pvr/config"), "utf8"))).toMatchObject({
      ObjectsDir: at("objects"),
    });
    expect(readFileSync(at("deployed/b/root.squashfs"))).toEqual(ROOT);
    expect(bytesOfStatus().readInt32LE(0)).toBe(5);
  });

  it("is processed from a base without a transaction before", async () => {
    await all(queue(), `queue unpack ${await archive("b.tar", { "b/x": SHA }, ROOT)}`);
    expect((await pvtx("queue", "process")).code).toBe(3);
    await all("queue process empty");
    expect(await shown()).toEqual({ ...SPEC, "b/x": SHA });
    await all(`deploy ${at("deployed")}`);
    expect(JSON.parse(readFileSync(at("deployed/.pvr/json"), "utf8"))).toMatchObject({
      "b/x": SHA,
    });
  });
});
