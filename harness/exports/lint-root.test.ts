import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Engine } from "../engine/engine.ts";
import { ensureExports } from "./examples.ts";
import { lintPath } from "./lint-path.ts";

let folder: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "pvh-lint-root-")), "mine");
});
afterEach(() => rm(dirname(folder), { recursive: true }));

const SH = "#!/bin/sh\n";

interface Given {
  readonly container?: object;
  readonly args?: object;
  readonly services?: object;
  readonly program?: string;
  readonly mode?: number;
}

async function given({ container, args = {}, services, program = SH, mode = 0o755 }: Given) {
  const path = join(folder, "rootfs/usr/bin/server");
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, program);
  await chmod(path, mode);
  const files = {
    "container.json": container ?? { entrypoint: ["/usr/bin/server"] },
    "args.json": args,
    ...(services !== undefined && { "services.json": services }),
  };
  for (const [name, value] of Object.entries(files)) {
    await writeFile(join(folder, name), JSON.stringify(value));
  }
}

const starts = (program: string): Given => ({ container: { entrypoint: [program] } });
const service = (key: string) => ({
  "#spec": "service-manifest-xconnect@1",
  services: [{ name: "door", type: "unix", [key]: "/run/door.sock" }],
});

test.each(["/usr/bin/server", "/bin/server", "/sbin/busybox", "/usr/bin/socat", "/bin/sh"])(
  "%s is there",
  async (program) => {
    await given(starts(program));
    expect(await lintPath(folder)).toEqual([]);
  },
);

test("a program is found through links, which are those of the container", async () => {
  await given(starts("/opt/start"));
  await mkdir(join(folder, "rootfs/opt"));
  await symlink("../usr/bin/server", join(folder, "rootfs/opt/start"));
  expect(await lintPath(folder)).toEqual([]);
  await symlink("loop", join(folder, "rootfs/opt/loop"));
  await given(starts("/opt/loop"));
  expect(await lintPath(folder)).toMatchObject([{ code: "program-missing" }]);
});

test.each([
  ["program-missing", starts("/usr/bin/sever"), "did you mean /usr/bin/server"],
  ["program-missing", starts("/usr/bin"), ""],
  ["program-mode", { mode: 0o644 }, "chmod +x rootfs/usr/bin/server"],
  ["interpreter-missing", { program: "#!/bin/bash\n" }, "#!/bin/sh"],
  ["key-unknown", { services: service("sockett") }, "did you mean socket"],
  [
    "key-unknown",
    { args: { PV_SERVICES_REQUIRED: [{ name: "door", type: "unix", targett: "/run/d.sock" }] } },
    "did you mean target?",
  ],
])("%s comes with the fix, and before anything boots", async (code, wrong: Given, fix) => {
  await given(wrong);
  const found = (await lintPath(folder)).find((one) => one.code === code);
  expect(found).toMatchObject({ level: "error", fix: expect.stringContaining(fix) as string });
  const engine = {} as Engine;
  await expect(ensureExports(engine, [folder])).rejects.toMatchObject({
    code: "PVH_USAGE",
    message: expect.stringContaining(found?.message ?? "") as string,
  });
});

test("of a root file system that is not pvh's only the container's own files are judged", async () => {
  const rootfs = { packages: ["nginx-light"] };
  await given({ container: { entrypoint: ["/usr/sbin/nginx"], rootfs } });
  expect(await lintPath(folder)).toEqual([]);
  await given({ container: { entrypoint: ["/usr/bin/server"], rootfs }, mode: 0o600 });
  expect(await lintPath(folder)).toMatchObject([{ code: "program-mode" }]);
});
