import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { programFiles } from "./program-layer.ts";
import { PROJECT } from "./sources.ts";

async function temporary(): Promise<{ folder: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "pvh-"));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

test("a program becomes a bundle and a command, and runs with koffi from where it is put", async () => {
  await using at = await temporary();
  const main = join(at.folder, "pv-hello.main.ts");
  const koffi = join(import.meta.dirname, "../../node_modules/koffi");
  await mkdir(join(at.folder, "node_modules"));
  await symlink(koffi, join(at.folder, "node_modules/koffi"));
  await writeFile(
    main,
    `import koffi from "koffi";
     const getpid = koffi.load("libc.so.6").func("int getpid()");
     console.log(process.argv[2], getpid() === process.pid);`,
  );
  const files = await programFiles(new Map([["pv-hello", main]]), join(at.folder, "none"));
  const root = join(at.folder, "root");
  for (const { path, content } of files) {
    if (!Buffer.isBuffer(content)) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  const command = files.find(({ path }) => path === "usr/bin/pv-hello");
  expect(command?.executable).toBe(true);
  expect(command?.content).toEqual(
    Buffer.from(
      '#!/usr/lib/pvh/node\nprocess.title = "pv-hello";\nrequire("/usr/lib/pvh/start.cjs")("pv-hello");\n',
    ),
  );
  const start = `require(${JSON.stringify(join(root, "usr/lib/pvh/start.cjs"))})("pv-hello")`;
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", start, "", "hi"]);
  expect(stdout).toBe("hi true\n");
});

test("a worker thread becomes a bundle beside its program's, and no command", async () => {
  await using at = await temporary();
  const thread = join(at.folder, "busy.thread.ts");
  await writeFile(thread, "console.log(1);");
  const files = await programFiles(new Map([["busy.thread", thread]]), join(at.folder, "none"));
  const paths = files.map(({ path }) => path);
  expect(paths).toContain("usr/lib/pvh/busy.thread.cjs");
  expect(paths.filter((path) => path.startsWith("usr/bin/"))).toEqual([]);
});

test("a guest's process, which has to start fast, brings no library of schemas", async () => {
  const main = join(PROJECT, "broker/wasm/pv-wasm.main.ts");
  const files = await programFiles(new Map([["pv-wasm", main]]));
  const bundle = files.find(({ path }) => path === "usr/lib/pvh/pv-wasm.cjs");
  const text = (bundle?.content as Buffer).toString();
  expect(text.match(/^\/\/ .*node_modules\/\S+/gm)).toBeNull();
});

test("a program that does not bundle is named", async () => {
  await using at = await temporary();
  const main = join(at.folder, "bad.main.ts");
  await writeFile(main, 'import "./absent.ts";');
  await expect(programFiles(new Map([["bad", main]]))).rejects.toMatchObject({
    code: "PVH_BUILD",
    message: expect.stringContaining("absent.ts") as string,
  });
});

test("the overlay keeps executable bits, and may not replace a link of the root filesystem", async () => {
  await using at = await temporary();
  await mkdir(join(at.folder, "usr/bin"), { recursive: true });
  await writeFile(join(at.folder, "usr/bin/x"), "", { mode: 0o700 });
  const files = await programFiles(new Map(), at.folder);
  expect(files.find(({ path }) => path === "usr/bin/x")?.executable).toBe(true);
  await mkdir(join(at.folder, "bin"));
  await writeFile(join(at.folder, "bin/x"), "");
  await expect(programFiles(new Map(), at.folder)).rejects.toThrow("bin/x");
});
