import { execFileSync } from "node:child_process";
import { chmod, mkdtemp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
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
  const paths = overlay.filter(isNoFolder).map(({ path }) => path);
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
    expect((program?.mode ?? 0) & 0o111).toBe(0o111);
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

  test("is read with its files as they are: modes, links, folders", async () => {
    const folder = join(parent, "mine");
    const root = join(folder, "rootfs");
    await mkdir(join(root, "usr/bin"), { recursive: true });
    await mkdir(join(root, "empty"));
    await chmod(join(root, "empty"), 0o700);
    const modes = { go: 0o644, secret: 0o600, setuid: 0o4755 };
    for (const [name, mode] of Object.entries(modes)) {
      await writeFile(join(root, "usr/bin", name), "#!/bin/sh\n");
      await chmod(join(root, "usr/bin", name), mode);
    }
    const links = { inside: "go", outside: "/etc/passwd", nowhere: "../../../gone", all: "/" };
    for (const [name, target] of Object.entries(links)) await symlink(target, join(root, name));
    await writeFile(join(folder, "container.json"), '{"entrypoint":["/usr/bin/go"]}');
    await writeFile(join(folder, "args.json"), "{}");
    const { files, definition } = await readContainerFolder(`${folder}/`);
    expect(definition).toEqual({
      name: "mine",
      group: "root",
      entrypoint: ["/usr/bin/go"],
      args: {},
    });
    expect(
      files
        .filter(({ path }) => !["usr", "usr/bin"].includes(path))
        .map(({ path, type, mode, content }) => [path, type, mode.toString(8), content.toString()]),
    ).toEqual([
      ["all", "link", "777", "/"],
      ["empty", "folder", "700", ""],
      ["inside", "link", "777", "go"],
      ["nowhere", "link", "777", "../../../gone"],
      ["outside", "link", "777", "/etc/passwd"],
      ["usr/bin/go", "file", "644", "#!/bin/sh\n"],
      ["usr/bin/secret", "file", "600", "#!/bin/sh\n"],
      ["usr/bin/setuid", "file", "4755", "#!/bin/sh\n"],
    ]);
  });

  test("refuses what no root file system can have, and a link in config/", async () => {
    const folder = join(parent, "odd");
    await mkdir(join(folder, "rootfs"), { recursive: true });
    await writeFile(join(folder, "container.json"), '{"entrypoint":["/go"]}');
    await writeFile(join(folder, "args.json"), "{}");
    execFileSync("mkfifo", [join(folder, "rootfs/pipe")]);
    await expect(readContainerFolder(folder)).rejects.toThrow("rootfs/pipe is no file, folder or");
    await rm(join(folder, "rootfs/pipe"));
    await mkdir(join(folder, "config"));
    await symlink("/etc/passwd", join(folder, "config/accounts"));
    await expect(readContainerFolder(folder)).rejects.toThrow("config/accounts is a link");
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

  test("names line and column of what is wrong, and the key that was meant", async () => {
    const folder = join(parent, "placed");
    await mkdir(folder);
    const write = (file: string, text: string): Promise<void> =>
      writeFile(join(folder, file), text);
    await write("container.json", '{\n  "entrypoint": ["go"]\n}');
    await write("args.json", '{\n  "PV_ROLE": ["mgmt"],\n  "PV_GRUOP": "app"\n}');
    await expect(readContainerFolder(folder)).rejects.toThrow(
      `${folder}/container.json:2:18: entrypoint.0: `,
    );
    await write("container.json", '{\n  "entrypoint": ["/go"],\n}');
    await expect(readContainerFolder(folder)).rejects.toThrow(`${folder}/container.json:3:1: `);
    await write("container.json", '{"entrypoint": ["/go"]}');
    await expect(readContainerFolder(folder)).rejects.toMatchObject({
      message: expect.stringMatching(
        /\/args\.json:2:3: PV_ROLE: there is no such key; expected .*\n.*\/args\.json:3:3: PV_GRUOP: /,
      ) as string,
      hint: expect.stringContaining("PV_ROLES") as string,
    });
    await write("args.json", '{\n  "PV_STATUS_GOAL": 3\n}');
    expect((await lintPath(folder)).map(({ at }) => at)).toContain(`${folder}/args.json:2:3`);
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
        `${file}:1:22: PV_ROLES: comes twice, at position 21`,
      );
    },
  );
});

const isNoFolder = ({ type }: OverlayFile): boolean => type !== "folder";

function isShell({ path, content }: OverlayFile): boolean {
  return path.endsWith(".sh") || content.toString().startsWith("#!/bin/sh");
}

async function allFiles(): Promise<OverlayFile[]> {
  const folders = await Promise.all(names.map(readExample));
  return [...(await sharedFiles()), ...folders.flatMap(({ files }) => files)];
}
