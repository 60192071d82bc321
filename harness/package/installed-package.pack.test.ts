import { globSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { installPackage } from "./installed-package.fixture.ts";
import type { InstalledPackage } from "./installed-package.fixture.ts";

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
      !/\.d\.ts$|rootfs\.ts$|\/template\//.test(path),
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

test("a scenario of the package runs on the reference, and nothing is written to node_modules", async () => {
  const before = stateOf(installed);
  const run = await installed.run("npx pvh run greeting examples");
  expect(run.stdout).toBe("2 passed, 0 failed, 0 skipped\n");
  expect(run.exitCode).toBe(0);
  expect(stateOf(installed)).toEqual(before);
});

test("pvh init writes a project that runs green, and red when its server is broken", async () => {
  await installed.run("npx pvh init");
  const green = await installed.run("npx pvh run");
  expect(green).toMatchObject({ exitCode: 0, stdout: "2 passed, 0 failed, 0 skipped\n" });
  const server = "containers/hello-server/rootfs/usr/bin/hello-server";
  await installed.run(`sed -i 's/echo "hello/echo "hallo/' ${server}`);
  const red = await installed.run("npx pvh run");
  expect(red.exitCode).toBe(1);
  expect(red.stderr).toContain("hello > hello.answer: the server greets its client by name");
  expect(red.stderr).toContain("(scenarios/hello.scenario.ts:15:");
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
  const { stdout } = await installed.run("node library.mjs");
  expect(stdout).toMatch(/^v22\.\S+ \[\] function function\n$/);
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
