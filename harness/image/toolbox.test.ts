import { createReadStream, createWriteStream, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import tar from "tar-stream";
import { expect, test } from "vitest";
import { entry } from "./layer.ts";
import { packTools } from "./toolbox.ts";

const ELF = Buffer.from("\x7fELF…", "latin1");
const LIBRARIES = `usr/lib/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;

/** Files and links of a root file system, as the layer of the tools has them. */
async function packed(
  files: Readonly<Record<string, Buffer | { readonly link: string }>>,
): Promise<Map<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), "pvh-tools-"));
  const pack = tar.pack();
  const written = pipeline(pack, createWriteStream(join(folder, "rootfs")));
  for (const [path, content] of Object.entries(files)) {
    const name = `./${path}`;
    if (Buffer.isBuffer(content)) await entry(pack, { name, mode: 0o755 }, content);
    else await entry(pack, { name, type: "symlink", linkname: content.link });
  }
  pack.finalize();
  await written;
  await packTools(join(folder, "rootfs"), join(folder, "tools"), AbortSignal.timeout(30_000));
  const found = new Map<string, string>();
  const extract = tar.extract();
  const read = pipeline(createReadStream(join(folder, "tools")), extract);
  for await (const one of extract) {
    const name = one.header.name.replace("usr/lib/pvh-tools/", "");
    const { type, linkname } = one.header;
    found.set(name, type === "symlink" ? linkname : await text(one));
    one.resume();
  }
  await read;
  return found;
}

test("a program is started through a loader of its own, by each of its names", async () => {
  const tools = await packed({
    "etc/alternatives/nc": { link: "/bin/nc.openbsd" },
    "usr/bin/nc": { link: "/etc/alternatives/nc" },
    "usr/bin/nc.openbsd": ELF,
    "usr/sbin/ip": { link: "../bin/ip" },
    "usr/bin/ip": ELF,
    [`${LIBRARIES}/libc.so.6`]: ELF,
  });
  for (const [name, program] of [
    ["nc", "nc.openbsd"],
    ["nc.openbsd", "nc.openbsd"],
    ["ip", "ip"],
  ] as const) {
    expect(tools.get(`bin/${name}`)).toMatch(
      new RegExp(
        `^#!/bin/sh\\nexec .*/root/${LIBRARIES}/ld-linux\\S+ .* /usr/lib/pvh-tools/root/usr/bin/${program} "\\$@"\\n$`,
      ),
    );
  }
  expect(tools.has(`root/${LIBRARIES}/libc.so.6`)).toBe(true);
});

test("scripts, links that lead nowhere and the image's own matters get no command", async () => {
  const tools = await packed({
    "usr/bin/zgrep": Buffer.from("#!/bin/sh\n"),
    "usr/bin/lost": { link: "/etc/alternatives/lost" },
    "usr/bin/round": { link: "round" },
    "usr/bin/lxc-attach": ELF,
    "usr/share/x/y": ELF,
  });
  const names = ["zgrep", "lost", "round", "lxc-attach", "y"];
  expect(names.filter((name) => tools.has(`bin/${name}`))).toEqual([]);
});

test("the image's programs run with the image's own search path", async () => {
  const script = (await packed({})).get("bin/pvcontrol");
  expect(script).toBe('#!/bin/sh\nPATH="${PATH#/usr/lib/pvh-tools/bin:}"\nexec pvcontrol "$@"\n');
});
