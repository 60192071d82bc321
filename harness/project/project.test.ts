import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { OWN_CONTAINER, pvhIn, scenarioFile, userProject } from "./user-project.fixture.ts";

const CONFIG = `import { defineConfig } from "pvh/config";\nexport default defineConfig({});\n`;
const well = scenarioFile("well", { "own.check": "" });
const project = { "pvh.config.ts": CONFIG, "scenarios/well.scenario.ts": well, ...OWN_CONTAINER };

test("scenarios of the project are listed from any folder of it; those of pvh are not", async () => {
  const folder = userProject({ ...project, "deep/er/x": "" });
  for (const cwd of [folder, join(folder, "deep/er")]) {
    const { stdout, exitCode } = await pvhIn(cwd, "ls", "--json");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      { name: "well", file: "scenarios/well.scenario.ts", checks: ["own.check"] },
    ]);
  }
});

test("with matrix both are, and with --config none those of pvh alone", async () => {
  const folder = userProject({
    ...project,
    "pvh.config.ts": CONFIG.replace("{}", "{ matrix: true }"),
  });
  const names = async (...words: string[]): Promise<unknown[]> =>
    (JSON.parse((await pvhIn(folder, ...words)).stdout) as { name: unknown }[]).map((s) => s.name);
  const both = await names("ls", "--json");
  expect(both).toEqual(expect.arrayContaining(["well", "unix-half-close"]));
  const none = await names("--config", "none", "ls", "--json");
  expect(none).toHaveLength(both.length - 1);
});

test("one broken file is one failed file, named with line and reason; others are listed", async () => {
  const folder = userProject({
    ...project,
    "scenarios/broken.scenario.ts": "export {};\nthrow new Error('no good');\n",
  });
  const { stdout, stderr, exitCode } = await pvhIn(folder, "ls");
  expect(stderr).toMatch(
    /pvh: scenarios\/broken\.scenario\.ts:2:7: it cannot be loaded: .*no good/,
  );
  expect(stdout).toContain("well");
  expect(exitCode).toBe(2);
});

test.each<[string, Readonly<Record<string, string>>, RegExp]>([
  [
    "a configuration with a wrong key",
    { "pvh.config.ts": "export default { scenario: 'x' };" },
    /pvh\.config\.ts: scenario: there is no such key; expected scenarios.*\n.*did you mean scenarios/,
  ],
  [
    "a configuration that cannot be parsed",
    { "pvh.config.ts": "export default {\n  a b\n};" },
    /pvh\.config\.ts:2:\d+: it cannot be loaded: Expected/,
  ],
  [
    "a configuration that throws",
    { "pvh.config.ts": "const one = 1;\nthrow new Error('later');" },
    /pvh\.config\.ts:2:7: it cannot be loaded: .*later/,
  ],
  [
    "a configuration without a default export",
    { "pvh.config.ts": "export const a = 1;" },
    /pvh\.config\.ts: its default export: expected object/,
  ],
  [
    "a file that the configuration names and that is not there",
    { "pvh.config.ts": "export default { exports: 'no.pvrexport.tgz' };" },
    /exports: no\.pvrexport\.tgz does not exist/,
  ],
  [
    "two scenarios of one name",
    { "scenarios/more/well.scenario.ts": well },
    /two scenarios of the name 'well': scenarios\/more\/well\.scenario\.ts and scenarios\/well/,
  ],
  [
    "a check id twice",
    {
      "scenarios/twice.scenario.ts": scenarioFile("twice", { "a.b": "", "a.c": "" }).replace(
        "a.c",
        "a.b",
      ),
    },
    /twice\.scenario\.ts:4:1: .*check 'a\.b' comes twice/,
  ],
  [
    "a container that the scenario does not deploy",
    {
      "scenarios/in.scenario.ts": scenarioFile("in", { "a.b": `await inside("onw").sh("true");` }),
    },
    /in\.scenario\.ts:\d+:\d+: check 'a\.b' enters 'onw', which the scenario does not deploy/,
  ],
  [
    "a container that there is not",
    { "scenarios/well.scenario.ts": well.replace('["own"]', '["owm"]') },
    /well\.scenario\.ts:2:47: there is no container "owm"\n.*did you mean own\?/,
  ],
  [
    "an export that there is not",
    {
      "scenarios/well.scenario.ts": well.replace('["own"]', '["./made/mine.pvrexport.tar"]'),
      "made/mine.pvrexport.tgz": "",
    },
    /well\.scenario\.ts:2:47: \.\/made\/mine.* does not exist\n.*did you mean \.\/made\/mine\.pvrexport\.tgz/,
  ],
  [
    "a catalogue row that is wrong",
    {
      "pvh.config.ts": "export default { catalogue: 'promises.json' };",
      "promises.json": '[{ "id": "own.check" }]',
    },
    /promises\.json:1:\d+: row 'own\.check': promise/,
  ],
  [
    "a key of a catalogue row that there is not",
    {
      "pvh.config.ts": "export default { catalogue: 'promises.json' };",
      "promises.json": '[{ "id": "own.check", "promise": "p", "promis": "" }]',
    },
    /row 'own\.check': promis: there is no such key; expected id, promise, .*\n.*did you mean promise\?/,
  ],
  [
    "a quirk of a catalogue row that there is not",
    {
      "pvh.config.ts": "export default { catalogue: 'promises.json' };",
      "promises.json": '[{ "id": "own.check", "promise": "p", "quirk": "no-half-closed" }]',
    },
    /row 'own\.check': quirk: there is no such quirk\n.*did you mean no-half-close\?/,
  ],
  [
    "a configuration that imports what is not there",
    { "pvh.config.ts": 'import "./nosuch.ts";\nexport default {};' },
    /^pvh: pvh\.config\.ts:1:\d+: it cannot be loaded: Cannot find module/,
  ],
  [
    "a catalogue that is no JSON",
    {
      "pvh.config.ts": "export default { catalogue: 'promises.json' };",
      "promises.json": "[\n  {,\n]",
    },
    /promises\.json:2:\d+: it is no JSON/,
  ],
])("%s is said before anything boots", async (_, files, says) => {
  const { stderr, exitCode } = await pvhIn(userProject({ ...project, ...files }), "ls");
  expect(stderr).toMatch(says);
  expect(exitCode).toBe(2);
});

test("a pattern that matches no file is named", async () => {
  const config = "export default { scenarios: 'tests/*.scenario.ts' };";
  const { stderr, exitCode } = await pvhIn(userProject({ "pvh.config.ts": config }), "run");
  expect(stderr).toContain("no file of the project matches tests/*.scenario.ts");
  expect(exitCode).toBe(4);
});

test.each<[string, Readonly<Record<string, string>>, RegExp]>([
  [
    "a key that there is not",
    { "container.json": '{ "entripoint": ["/bin/true"] }' },
    /^pvh: containers\/own\/container\.json:1:3: entripoint: there is no such key; expected group, [^]*did you mean entrypoint\?/,
  ],
  [
    "a value of another type",
    { "container.json": '{ "entrypoint": ["/bin/true"], "group": 3 }' },
    /^pvh: containers\/own\/container\.json:1:32: group: Invalid input: expected string/,
  ],
  [
    "no JSON",
    { "container.json": '{ "entrypoint": ' },
    /^pvh: containers\/own\/container\.json: Unexpected end of JSON/,
  ],
  [
    "no args.json",
    { "container.json": '{ "entrypoint": ["/bin/true"] }' },
    /^pvh: containers\/own\/args\.json cannot be read: ENOENT.*\n.*\{\} at least/,
  ],
])("a container's folder with %s is refused by file", async (_, files, says) => {
  const config = { "pvh.config.ts": CONFIG };
  const own = Object.entries(files).map(([name, text]) => [`containers/own/${name}`, text]);
  const folder = userProject({ ...config, ...(Object.fromEntries(own) as Record<string, string>) });
  const { stderr, exitCode } = await pvhIn(folder, "exports", "lint", "containers/own");
  expect(stderr).toMatch(says);
  expect(exitCode).toBe(2);
});

test("a catalogue of the project gives its checks a suite and a promise", async () => {
  const folder = userProject({
    ...project,
    "pvh.config.ts": "export default { catalogue: 'promises.json' };",
    "promises.json": '[{ "id": "own.check", "promise": "p", "suite": "mine" }]',
  });
  const { stdout } = await pvhIn(folder, "ls", "type:mine", "--json");
  expect(JSON.parse(stdout)).toMatchObject([{ name: "well" }]);
  const coverage = await pvhIn(folder, "coverage");
  expect(coverage.stdout).toMatch(/^own\.check +well +p$/m);
  expect(coverage.stdout.split("\n")).toHaveLength(3);
});

test("pvh init writes a project that works, and overwrites nothing", async () => {
  const folder = userProject({});
  expect(await pvhIn(folder, "init")).toMatchObject({ exitCode: 0 });
  const { stdout } = await pvhIn(folder, "ls", "--json");
  expect(JSON.parse(stdout)).toMatchObject([{ name: "hello" }]);
  expect(readFileSync(join(folder, ".gitignore"), "utf8")).toBe("node_modules/\n.pvh/\n");
  const again = await pvhIn(folder, "init");
  expect(again.stderr).toMatch(/these files exist already\n(.*\n)* *pvh\.config\.ts\n/);
  expect(again.exitCode).toBe(2);
});

test("pvh new begins a scenario with the project's containers, and a container", async () => {
  const folder = userProject(project);
  expect((await pvhIn(folder, "new", "container", "extra")).exitCode).toBe(0);
  expect(readdirSync(join(folder, "containers/extra")).sort()).toEqual([
    "args.json",
    "container.json",
    "rootfs",
  ]);
  expect((await pvhIn(folder, "new", "scenario", "more")).stdout).toBe(
    "scenarios/more.scenario.ts\n",
  );
  expect(readFileSync(join(folder, "scenarios/more.scenario.ts"), "utf8")).toContain('"extra"');
  const { stdout } = await pvhIn(folder, "ls", "--json");
  expect(JSON.parse(stdout)).toHaveLength(2);
  expect((await pvhIn(folder, "new", "scenario", "../x")).stderr).toMatch(/is not usable/);
  expect(existsSync(join(folder, "x.scenario.ts"))).toBe(false);
});
