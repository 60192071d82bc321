import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../../until.ts";
import { buildWithKas } from "./build-with-kas.ts";
import type { KasBuild, KasBuildOptions } from "./build-with-kas.ts";
import type { KasWish } from "./kas-plan.ts";
import { KasTestbed } from "./kas-testbed.fixture.ts";

const EXPORTS: KasWish = {
  machine: "docker-x86_64",
  targets: ["pv-example-hello", "pv-example-other"],
  workspace: false,
};

function build(
  bed: KasTestbed,
  wish = EXPORTS,
  options: Partial<KasBuildOptions> = {},
): Promise<KasBuild> {
  return buildWithKas(bed.checkout, wish, {
    signal: new AbortController().signal,
    progress: (line) => bed.said.push(line),
    folder: bed.out,
    engine: () => Promise.reject(new Error("no image is made here")),
    ...options,
  });
}

const TASKS = `
echo "2026-11-30 12:00:00 - INFO     - kas 4.7 started"
echo "Parsing recipes..."
for n in 1 50 100; do echo "NOTE: Running task $n of 100 (/repo/recipes/hello_1.0.bb:do_compile)"; done
`;

test.each(["current", "former"] as const)(
  "a build in the layout %s tells its tasks, keeps its log, and finds its exports",
  async (layout) => {
    using bed = new KasTestbed(layout);
    const folder = join(bed.checkout, "build/tmp-scarthgap/deploy");
    const [at, name] =
      layout === "current"
        ? [join(folder, "images/docker-x86_64"), "pv-example-hello.pvrexport.tgz"]
        : [join(folder, "pvrexports/pv-example-hello"), "pv-example-hello.pvrexport.tgz"];
    bed.container(`${TASKS}\nmkdir -p ${at}; echo x > ${at}/${name}\n`);
    const built = await build(bed);
    expect(built.exports).toEqual([join(at, name)]);
    expect(built.tasks).toBe(100);
    expect(bed.said).toContain("kas: kas 4.7 started");
    expect(bed.said).toContain("task 50 of 100 (50 %): hello_1.0 do_compile");
    expect(bed.called).toMatch(/--name pvh-kas-\w+ .*-e PVR_DISABLE_SELF_UPGRADE=1 /);
    expect(bed.called).toMatch(
      /build --target pv-example-hello --target pv-example-other \/repo\//,
    );
    expect(bed.called).toContain(
      layout === "current" ? "/repo/kas/build-configs/release/" : "/repo/.github/configs/release/",
    );
    expect(readFileSync(built.log, "utf8")).toContain("NOTE: Running task 100 of 100");
    const record = JSON.parse(readFileSync(join(bed.out, "build.json"), "utf8")) as KasBuild;
    expect(record.sources).toContainEqual({
      name: "poky",
      commit: "0123456789abcdef0123456789abcdef01234567",
      isDirty: false,
    });
    expect(bed.containers).toEqual([]);
  },
);

test("a failed build fails with bitbake's own error, the task's log and the build's", async () => {
  using bed = new KasTestbed();
  const taskLog = "build/tmp-scarthgap/work/x/temp/log.do_compile.7";
  mkdirSync(join(bed.checkout, "build/tmp-scarthgap/work/x/temp"), { recursive: true });
  writeFileSync(join(bed.checkout, taskLog), "");
  bed.container(`${TASKS}
echo "ERROR: pantavisor-git-r0 do_compile: oe_runmake failed" >&2
echo "ERROR: Logfile of failure stored in: /build/tmp-scarthgap/work/x/temp/log.do_compile.7" >&2
echo "| main.c:7: undefined reference to \\\`jsmnutil_traverse_token'"
echo "ERROR: Task (/repo/x.bb:do_compile) failed with exit code '1'"
exit 1`);
  await expect(build(bed)).rejects.toMatchObject({
    code: "PVH_KAS_BUILD",
    message: expect.stringMatching(
      /^the build failed at task 100 of 100: pv-xconnect does not link.*pantavisor-git-r0 do_compile: oe_runmake failed: main\.c:7: undefined reference/,
    ) as string,
    hint: expect.stringContaining("devtool modify libthttp") as string,
    evidence: [join(bed.checkout, taskLog), join(bed.out, "build.log")],
  });
});

test("an error that kas-container itself makes is told", async () => {
  using bed = new KasTestbed();
  bed.container("exit 0");
  writeFileSync(
    join(bed.checkout, "kas-container"),
    "#!/bin/sh\necho 'kas-container: Error: configuration file x not found' >&2\nexit 1\n",
  );
  await expect(build(bed)).rejects.toThrow("the build failed: configuration file x not found");
});

test("a build that hangs says so, and Ctrl+C ends it and its container", async () => {
  using bed = new KasTestbed();
  bed.container(`${TASKS}\ntrap '' INT TERM\nwhile :; do sleep 1; done`);
  const controller = new AbortController();
  const going = build(bed, EXPORTS, { signal: controller.signal, silence: 50 });
  const ended = going.catch((error: unknown) => error);
  await until(
    "the silence",
    () => Promise.resolve(bed.said.find((line) => /no output for.*Running task 100/.test(line))),
    {
      timeout: 20_000,
    },
  );
  const [container = ""] = bed.containers;
  const pid = Number(readFileSync(join(bed.engine, container), "utf8"));
  controller.abort("SIGINT");
  expect(await ended).toMatchObject({
    code: "PVH_ABORTED",
    evidence: [join(bed.out, "build.log")],
  });
  expect(bed.containers).toEqual([]);
  expect(existsSync(`/proc/${pid}`)).toBe(false);
});

test("a million lines are all in the log, and few of them are shown", async () => {
  using bed = new KasTestbed();
  bed.container(
    `seq 1 1000000 | sed 's/^/NOTE: recipe x: task output /'
     seq -f 'NOTE: Running task %.0f of 100000 (/x/y.bb:do_z)' 1 1000 100000\n`,
  );
  const before = process.memoryUsage.rss();
  await build(bed);
  expect((process.memoryUsage.rss() - before) / 1e6).toBeLessThan(300);
  const lines = execFileSync("wc", ["-l", join(bed.out, "build.log")], { encoding: "utf8" });
  expect(Number(lines.split(" ")[0])).toBeGreaterThanOrEqual(1_000_100);
  expect(bed.said.length).toBeLessThan(120);
});

test("a line without an end, and bytes that are no text, do no harm", async () => {
  using bed = new KasTestbed();
  bed.container("head -c 3000000 /dev/zero | tr '\\0' x; head -c 100000 /dev/urandom; exit 3");
  await expect(build(bed)).rejects.toMatchObject({ code: "PVH_KAS_BUILD" });
});

test("a disk that fills up in mid-build is the disk's fault, and the log is named", async () => {
  using bed = new KasTestbed();
  bed.container(`${TASKS}
echo "ERROR: No space left on device or exceeds fs.inotify.max_user_watches?"
exit 1`);
  await expect(build(bed)).rejects.toMatchObject({
    code: "PVH_NO_SPACE",
    message: expect.stringMatching(
      /^the build failed at task 100 of 100: the disk is full/,
    ) as string,
    evidence: [join(bed.out, "build.log")],
  });
  rmSync(join(bed.out, "build.log"));
  symlinkSync("/dev/full", join(bed.out, "build.log"));
  await expect(build(bed)).rejects.toMatchObject({ code: "PVH_NO_SPACE" });
});

test("what keeps a build from beginning is said in one line, with the log's place", async () => {
  using bed = new KasTestbed();
  const log = join(bed.out, "build.log");
  bed.container("echo built");
  writeFileSync(join(bed.engine, "no-rights"), "");
  const refused = { code: "PVH_ENGINE_UNREACHABLE", evidence: [log] };
  await expect(build(bed)).rejects.toMatchObject(refused);
  await expect(build(bed)).rejects.toThrow(
    /^kas-container cannot use docker: permission denied [^\n]*$/,
  );
  rmSync(join(bed.engine, "no-rights"));

  await expect(build(bed, { ...EXPORTS, machine: "docker-x86" })).rejects.toMatchObject({
    code: "PVH_USAGE",
    hint: expect.stringContaining("docker-x86_64") as string,
  });
  await expect(build(bed, { ...EXPORTS, targets: ["-c; id"] })).rejects.toThrow(
    /no name of a recipe/,
  );
  await expect(build(bed, { ...EXPORTS, workspace: true })).rejects.toThrow(
    /has no build\/workspace\/conf\/layer\.conf/,
  );
  rmSync(join(bed.checkout, "kas/build-configs"), { recursive: true });
  await expect(build(bed)).rejects.toMatchObject({
    code: "PVH_USAGE",
    message: expect.stringMatching(/has another layout: .*\.github\/configs\/release$/) as string,
    evidence: [log],
  });
  expect(existsSync(join(bed.engine, "called"))).toBe(false);
});

test("changes of a workspace that are in no commit are said first and recorded", async () => {
  using bed = new KasTestbed();
  const source = join(bed.checkout, "build/workspace/sources/libthttp");
  mkdirSync(join(bed.checkout, "build/workspace/conf"), { recursive: true });
  writeFileSync(join(bed.checkout, "build/workspace/conf/layer.conf"), "");
  const git = (...words: string[]) =>
    execFileSync("git", [
      "-c",
      "user.name=x",
      "-c",
      "user.email=x@example.invalid",
      "-C",
      source,
      ...words,
    ]);
  git("init", "-q");
  git("add", ".");
  git("commit", "-qm", "x");
  writeFileSync(join(source, "CMakeLists.txt"), "changed");
  bed.container("exit 0");
  const { sources } = await build(bed, { ...EXPORTS, workspace: true });
  expect(bed.said[0]).toBe("workspace/libthttp: changes that are in no commit are built, too");
  expect(sources.find(({ name }) => name === "workspace/libthttp")).toMatchObject({
    commit: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
    isDirty: true,
  });
  expect(bed.called).toContain(":/repo/kas/with-workspace.yaml");
});
