import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { ROOT } from "../root.ts";
import { installPackage } from "./installed-package.fixture.ts";
import type { Ended, InstalledPackage } from "./installed-package.fixture.ts";
import { socketForAll } from "./socket-for-all.fixture.ts";
import { WorkflowRun } from "./workflow-run.fixture.ts";
import type { Workflow } from "./workflow-run.fixture.ts";

let installed: InstalledPackage;
beforeAll(async () => {
  installed = await installPackage();
});

/** Path, size and time of each file of the installed package. */
function stateOf({ project }: InstalledPackage): string[] {
  const folder = join(project, "node_modules");
  return globSync("**", { cwd: folder })
    .map((path) => ({ path, facts: statSync(join(folder, path), { throwIfNoEntry: false }) }))
    .filter(({ facts }) => facts?.isFile())
    .map(({ path, facts }) => `${path} ${facts?.size ?? 0} ${facts?.mtimeMs ?? 0}`)
    .sort();
}

test("the package is small, and has neither tests nor sources that are compiled in it", () => {
  expect(installed.size).toBeLessThan(15e6);
  const unwanted = installed.files.filter(
    (path) =>
      /\.(test|fixture)\.|testdata|\.ts$/.test(path) &&
      !/\.d\.ts$|rootfs\.ts$|\/(template|html\/client)\//.test(path),
  );
  expect(unwanted).toEqual([]);
});

test("npx pvh runs with the pinned Node, and finds the scenarios that it brings", async () => {
  const version = await installed.run("npx pvh --version");
  expect(version).toMatchObject({ exitCode: 0, stderr: "" });
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const { stdout } = await installed.run("npx pvh ls unix-half-close --json");
  expect(JSON.parse(stdout)).toMatchObject([{ name: "unix-half-close", suite: "unix" }]);
  const doctor = await installed.run("npx pvh doctor");
  expect(doctor.stdout).toMatch(/^ok +pinned node/m);
});

test("scenarios of the package run on the reference with their files, and nothing is written to node_modules", async () => {
  const before = stateOf(installed);
  const run = await installed.run("npx pvh run greeting examples layer-rules");
  expect(run.stdout).toMatch(/^\d+ passed, 0 failed, 0 skipped\n$/);
  expect(run.exitCode).toBe(0);
  expect(stateOf(installed)).toEqual(before);
});

/** Blocks of code of a page, with what stands behind the fence. */
function blocksOf(
  page: string,
): { readonly language: string; readonly file: string; readonly text: string }[] {
  const blocks = readFileSync(join(ROOT, page), "utf8").matchAll(
    /^```(\w+) ?(.*)\n([\s\S]*?)^```/gm,
  );
  return [...blocks].map(([, language = "", file = "", text = ""]) => ({ language, file, text }));
}

test("docs/start.md works as it is written: green, red, and a scenario of one's own", async () => {
  const folder = mkdtempSync(join(dirname(installed.project), "start-"));
  const said: string[] = [];
  for (const { language, file, text } of blocksOf("docs/start.md")) {
    if (file !== "") {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text, { mode: 0o755 });
    } else if (language === "sh") {
      for (const line of text.trim().split("\n")) {
        const command = line.replace(/\.\/pvh-[\d.]+\.tgz/, installed.tarball);
        const { exitCode, stdout, stderr } = await installed.run(command, folder);
        const [, expected = "0"] = /# exits with (\d+)/.exec(line) ?? [];
        expect(exitCode, `${line}\n${stderr}`).toBe(Number(expected));
        said.push(stdout + stderr);
      }
    }
  }
  const all = said.join("");
  expect(all).toContain("2 passed, 0 failed, 0 skipped");
  expect(all).toContain("hello > hello.answer: the server greets its client by name");
  expect(all).toContain("(scenarios/hello.scenario.ts:15:");
  expect(all).toMatch(/^counter +scenarios +1 +callers are counted$/m);
  await installed.run(`cp -a ${folder}/. . && rm -rf .pvh`);
});

test("pvh up knows the project's containers by name, and pvh enter has a terminal in one of them", async () => {
  const up = "npx pvh up entered --with hello-server --with hello-client";
  expect(await installed.run(up)).toMatchObject({ exitCode: 0 });
  const entered = await atPrompt(
    "node_modules/.bin/pvh enter entered hello-client",
    "tty; exit 3\n",
  );
  expect(await installed.run("npx pvh down entered")).toMatchObject({ exitCode: 0 });
  expect(entered.stdout).toContain("/dev/pts/");
  expect(entered.exitCode).toBe(3);
});

/** Run a shell on a terminal of its own, and type when it asks. */
async function atPrompt(shell: string, keys: string): Promise<Omit<Ended, "stderr">> {
  const child = spawn("script", ["-qec", shell, "/dev/null"], {
    cwd: installed.project,
    timeout: 60_000,
  });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (!stdout.includes("# ") && (stdout + text).includes("# ")) child.stdin.write(keys);
    stdout += text;
  });
  const [exitCode] = (await once(child, "close")) as [number];
  return { exitCode, stdout };
}

test.skipIf(process.getuid?.() !== 0)(
  "a user without root who may use the engine runs the same, and is told what takes root",
  async () => {
    const { stdout } = await installed.run("npx pvh engine status --json");
    const { host } = JSON.parse(stdout) as { readonly host: string };
    const home = mkdtempSync(join(tmpdir(), "home-"));
    const project = join(home, "project");
    await using shared = await socketForAll(join(home, "s"), host.replace("unix://", ""));
    const nobody = 65_534;
    // Temporary folders are their owner's alone.
    for (const folder of [tmpdir(), dirname(installed.project), installed.project]) {
      chmodSync(folder, 0o755);
    }
    await installed.run(
      `mkdir ${project} && cp -a *.json *.ts containers scenarios ${project} && ln -s "$PWD/node_modules" ${project}/ && chown -R ${nobody}:${nobody} ${home}`,
    );
    const as = (command: string): Promise<Ended> =>
      installed.run(
        `exec setpriv --reuid=${nobody} --regid=${nobody} --clear-groups env -u XDG_CACHE_HOME -u TMPDIR HOME=${home} DOCKER_HOST=${shared.host} ${command}`,
        project,
      );
    const run = await as("npx pvh run hello");
    expect(run.stdout, run.stderr).toBe("2 passed, 0 failed, 0 skipped\n");
    const broker = await as("npx pvh broker --ctrl /nonexistent");
    expect(broker.stderr).toMatch(/pvh broker needs root.*\n.*sudo pvh broker/);
    expect(broker.exitCode).toBe(3);
  },
);

test("docs/ci/github.yml works step by step, twice: the second run is planned by the first", async () => {
  const workflow = parse(readFileSync(join(ROOT, "docs/ci/github.yml"), "utf8")) as Workflow;
  const folder = mkdtempSync(join(dirname(installed.project), "workflow-"));
  const does = {
    checkOut: (to: string) =>
      installed.run(
        `cp -a *.json *.ts containers scenarios ${to} && ln -s "$PWD/node_modules" ${to}/`,
      ),
    // npm ci would make what is linked.
    sh: (script: string, within: string) =>
      installed.run(script.replace(/^npm ci$/m, "true"), within),
  };
  for (const run of [1, 2]) {
    const begun = new WorkflowRun(workflow, { folder, run }, does);
    const plan = await begun.job("plan");
    expect(plan.failed).toEqual([]);
    expect(existsSync(join(plan.folder, ".pvh/history"))).toBe(run === 2);
    for (const shard of [1, 2, 3]) {
      expect((await begun.job("scenarios", { shard })).failed).toEqual([]);
      // Another run, which ends meanwhile, changes nothing.
      mkdirSync(join(folder, `caches/pvh-history-9${run}${shard}/.pvh`), { recursive: true });
      writeFileSync(join(folder, `caches/pvh-history-9${run}${shard}/.pvh/history`), "");
    }
    const report = await begun.job("report");
    expect(report).toMatchObject({ failed: [], stdout: "3 passed, 0 failed, 0 skipped\n" });
    expect(readFileSync(join(report.folder, "junit.xml"), "utf8")).toContain('name="counter"');
  }
});

test("a container is made of an image, with its own command", async () => {
  const folder = join(installed.project, "containers/of-image");
  mkdirSync(folder);
  const rootfs = { image: "pvh-appengine:reference" };
  const container = { rootfs, entrypoint: ["/bin/sleep", "1000"] };
  writeFileSync(join(folder, "container.json"), JSON.stringify(container));
  writeFileSync(join(folder, "args.json"), "{}");
  writeFileSync(
    join(installed.project, "scenarios/of-image.scenario.ts"),
    `import { check, expect, scenario } from "pvh";
     scenario("of-image", { summary: "s", containers: ["of-image"] }, () => {
       check("of-image.root", "it has the image's files", async ({ inside }) => {
         expect(await inside("of-image").text("cat /etc/debian_version")).toMatch(/^12/);
       });
     });`,
  );
  expect((await installed.run("npx pvh run of-image")).stdout).toBe(
    "1 passed, 0 failed, 0 skipped\n",
  );
});

test("the library is imported by a program on Node 22", async () => {
  writeFileSync(
    join(installed.project, "library.mjs"),
    `import { AppengineContainer, check, scenario } from "pvh";
     const appengine = await new AppengineContainer("pvh-appengine:reference").start();
     console.log(process.version, await appengine.control.containers(), typeof check, typeof scenario);
     await appengine.stop();`,
  );
  const { stdout, stderr } = await installed.run("node library.mjs");
  expect(stdout, stderr).toMatch(/^v22\.\S+ \[\] function function\n$/);
});

test("its types hold in a strict project that uses no other library of pvh's", async () => {
  writeFileSync(
    join(installed.project, "typed.ts"),
    `import { AppengineContainer, check, expect, scenario } from "pvh";
     import type { CheckContext } from "pvh";
     export async function names(): Promise<string[]> {
       await using appengine = await new AppengineContainer("image:1").withExports("a.tgz").start();
       return (await appengine.control.containers()).map(({ name }) => name);
     }
     scenario("typed", { summary: "types" }, () => {
       check("typed.one", "is typed", async ({ inside, signal }: CheckContext) => {
         expect(await inside("one").text("true", { signal })).toBe("");
       });
     });
     // @ts-expect-error a summary is needed
     scenario("wrong", {}, () => undefined);`,
  );
  await installed.run("npm install --save-dev typescript@6.0.3 @types/node@24.10.1");
  const flags = "--noEmit --strict --target es2024 --lib es2024,esnext.disposable --types node";
  const { stdout, exitCode } = await installed.run(
    `npx tsc ${flags} --module nodenext --moduleResolution nodenext typed.ts`,
  );
  expect(stdout).toBe("");
  expect(exitCode).toBe(0);
});
