import { cpSync, existsSync, globSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SAFE_NAME } from "../../broker/shared/formats/names.ts";
import { PvhError } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";
import { ROOT } from "../root.ts";

const TEMPLATE = join(ROOT, "harness/project/template");
/** Folders that runs and npm write, and that belong in no repository. */
const IGNORED = ["node_modules/", ".pvh/"];

/**
 * Write a small project that works: two containers, a scenario, a configuration, a file for CI.
 * @returns the paths that were written, relative to the folder
 * @throws PvhError PVH_USAGE when one of them is there already; then nothing is written
 */
export function scaffoldProject(folder: string): string[] {
  const files = globSync(["**", ".github/**"], { cwd: TEMPLATE })
    .filter((path) => statSync(join(TEMPLATE, path)).isFile())
    .sort();
  refuseExisting(folder, files);
  for (const path of files) copy(join(TEMPLATE, path), join(folder, path));
  return ignore(folder) ? [...files, ".gitignore"] : files;
}

/** @returns path of a new scenario for these containers, relative to the folder */
export function scaffoldScenario(
  folder: string,
  name: string,
  containers: readonly string[],
): string {
  const path = `scenarios/${usable(name)}.scenario.ts`;
  refuseExisting(folder, [path]);
  makeFolder(join(folder, "scenarios"));
  writeFileSync(join(folder, path), scenarioText(name, containers));
  return path;
}

/** @returns paths of a new container, relative to the folder */
export function scaffoldContainer(folder: string, name: string): string[] {
  const home = `containers/${usable(name)}`;
  const files = {
    "container.json": json({ group: "app", entrypoint: [`/usr/bin/${name}`] }),
    "args.json": json({ PV_RESTART_POLICY: "container" }),
    [`rootfs/usr/bin/${name}`]: PROGRAM,
  };
  const paths = Object.keys(files).map((file) => `${home}/${file}`);
  refuseExisting(folder, paths);
  for (const [file, text] of Object.entries(files)) {
    const path = join(folder, home, file);
    makeFolder(dirname(path));
    writeFileSync(path, text, { mode: file.startsWith("rootfs/") ? 0o755 : 0o644 });
  }
  return paths;
}

function usable(name: string): string {
  if (SAFE_NAME.test(name)) return name;
  throw new PvhError("PVH_USAGE", `the name ${JSON.stringify(name)} is not usable`, {
    hint: "use 1 to 64 of A-Z a-z 0-9 _ . -",
  });
}

function refuseExisting(folder: string, paths: readonly string[]): void {
  const there = paths.filter((path) => existsSync(join(folder, path)));
  if (there.length === 0) return;
  const [only] = there;
  const what = there.length === 1 ? `${only ?? ""} exists` : "these files exist";
  const list = there.length === 1 ? "" : there.map((path) => `\n  ${path}`).join("");
  throw new PvhError("PVH_USAGE", `nothing is written: ${what} already${list}`, {
    hint: "remove what is there, or choose another folder or name",
  });
}

function copy(source: string, target: string): void {
  makeFolder(dirname(target));
  cpSync(source, target);
}

/** @returns true when .gitignore has been changed */
function ignore(folder: string): boolean {
  const path = join(folder, ".gitignore");
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  const missing = IGNORED.filter((line) => !text.split("\n").includes(line));
  if (missing.length === 0) return false;
  const start = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  writeFileSync(path, `${start}${missing.join("\n")}\n`);
  return true;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

const PROGRAM = `#!/bin/sh
# PID 1 of the container. lib.sh makes it end at once when it is stopped.
. /usr/lib/pv-example/lib.sh
echo started
sleep infinity &
wait $!
`;

function scenarioText(name: string, containers: readonly string[]): string {
  const [first = ""] = containers;
  const body =
    first === ""
      ? [
          `    check("${name}.boots", "the appengine answers", async ({ control }) => {`,
          `      expect(await control.containers()).toEqual([]);`,
        ]
      : [
          `    check("${name}.runs", "${first} runs", async ({ control }) => {`,
          `      expect(await control.container("${first}")).toMatchObject({ status: "STARTED" });`,
        ];
  return [
    `import { check, expect, scenario } from "pvh";`,
    ``,
    `scenario(`,
    `  ${JSON.stringify(name)},`,
    `  { summary: "TODO: one line for pvh ls", containers: ${JSON.stringify(containers)} },`,
    `  () => {`,
    ...body,
    `    });`,
    `  },`,
    `);`,
    ``,
  ].join("\n");
}
