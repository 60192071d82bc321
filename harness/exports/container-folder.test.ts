import { execFileSync } from "node:child_process";
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exampleNames, readContainerFolder, readExample, sharedFiles } from "./container-folder.ts";
import type { OverlayFile } from "./container-folder.ts";
import { lintPath } from "./lint-path.ts";
import { ROOT_NAMES, readRootBase } from "./root-base.ts";
import { keyOf } from "./root-squashfs.ts";

const names = await exampleNames();
const overlay = await allFiles();

test("the examples of the published set are there, but for IPAM", () => {
  expect(names.map((name) => name.replace("pv-example-", ""))).toEqual([
    "app",
    "app-crash",
    "cleanexit",
    "dbus-client",
    "dbus-client-nobody",
    "dbus-server",
    "drm-master",
    "drm-provider",
    "drm-render",
    "input-client",
    "input-server",
    "norole",
    "random",
    "recovery",
    "rest-client",
    "rest-server",
    "stabilize",
    "stubborn",
    "unix-client",
    "unix-server",
    "wasm-client",
    "wasm-server",
    "wayland-client",
    "wayland-server",
  ]);
});

test("the containers have the package of the scenarios' programs, and a change makes another root", async () => {
  const files = await sharedFiles();
  const helper = files.find(({ path }) => path === "usr/lib/python3/dist-packages/probes/unix.py");
  expect(helper?.content.toString()).toContain("def connect(");
  const changed = files.map((file) =>
    file === helper ? { ...file, content: Buffer.from("def connect(): pass") } : file,
  );
  expect(keyOf("rootfs", "script", changed)).not.toBe(keyOf("rootfs", "script", files));
});

test("no two examples bring a file of one path, for many share one root file system", () => {
  const paths = overlay.map(({ path }) => path);
  expect(paths).toHaveLength(new Set(paths).size);
});

test("only the wayland examples have another root than the common one", async () => {
  const examples = await Promise.all(names.map(readExample));
  const others = examples.filter(({ definition }) => definition.root !== undefined);
  expect(others.map(({ definition }) => `${definition.name}: ${definition.root ?? ""}`)).toEqual([
    "pv-example-wayland-client: wayland",
    "pv-example-wayland-server: wayland",
  ]);
});

test.each(ROOT_NAMES)("the root %s names what it is cut from", async (name) => {
  const { packages, programs } = await readRootBase(name);
  expect([packages.length, programs.length]).not.toContain(0);
});

describe.each(names)("%s", (name) => {
  test("starts a program that is there and executable", async () => {
    const { definition } = await readExample(name);
    if (definition.module !== undefined) {
      expect(definition).toMatchObject({ type: "wasm", entrypoint: [] });
      return;
    }
    const program = overlay.find(({ path }) => `/${path}` === definition.entrypoint[0]);
    expect(program?.executable).toBe(true);
  });

  test("has nothing for the linter to say", async () => {
    expect(await lintPath(name)).toEqual([]);
  });
});

test.each(overlay.filter(isShell).map((file) => [file.path, file] as const))(
  "/%s is valid sh",
  (_path, { content }) => {
    execFileSync("sh", ["-n"], { input: content, stdio: ["pipe", "ignore", "pipe"] });
  },
);

describe("a folder of the user's own", () => {
  let parent: string;
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), "pvh-folder-"));
  });
  afterAll(() => rm(parent, { recursive: true }));

  test("is read with its programs, executable when they are scripts", async () => {
    const folder = join(parent, "mine");
    await mkdir(join(folder, "rootfs/usr/bin"), { recursive: true });
    await writeFile(join(folder, "rootfs/usr/bin/go"), "#!/bin/sh\n", { mode: 0o644 });
    await writeFile(join(folder, "container.json"), '{"entrypoint":["/usr/bin/go"]}');
    await writeFile(join(folder, "args.json"), "{}");
    expect(await readContainerFolder(`${folder}/`)).toEqual({
      definition: { name: "mine", group: "root", entrypoint: ["/usr/bin/go"], args: {} },
      files: [{ path: "usr/bin/go", executable: true, content: Buffer.from("#!/bin/sh\n") }],
    });
  });

  test("names the file that is missing or wrong", async () => {
    const folder = join(parent, "wrong");
    await mkdir(folder);
    await expect(readContainerFolder(folder)).rejects.toThrow(`${folder}/container.json`);
    await writeFile(join(folder, "container.json"), '{"entrypoint":["go"]}');
    await writeFile(join(folder, "args.json"), "{}");
    await expect(readContainerFolder(folder)).rejects.toMatchObject({ code: "PVH_USAGE" });
    await writeFile(join(folder, "container.json"), '{"entrypoint":["/go"]}');
    await writeFile(join(folder, "services.json"), "[");
    await expect(readContainerFolder(folder)).rejects.toThrow("services.json");
  });

  test.each(["container.json", "args.json", "services.json"])(
    "refuses a key that comes twice in its %s",
    async (file) => {
      const folder = join(parent, `twice-${file.replace(".", "-")}`);
      await mkdir(folder);
      await writeFile(join(folder, "container.json"), '{"entrypoint":["/go"]}');
      await writeFile(join(folder, "args.json"), "{}");
      await writeFile(join(folder, file), '{"PV_ROLES":["mgmt"],"PV_ROLES":["nobody"]}');
      await expect(readContainerFolder(folder)).rejects.toThrow(
        `${file}: PV_ROLES: comes twice, at position 21`,
      );
    },
  );
});

function isShell({ path, content }: OverlayFile): boolean {
  return path.endsWith(".sh") || content.toString().startsWith("#!/bin/sh");
}

async function allFiles(): Promise<OverlayFile[]> {
  const folders = await Promise.all(names.map(readExample));
  return [...(await sharedFiles()), ...folders.flatMap(({ files }) => files)];
}
