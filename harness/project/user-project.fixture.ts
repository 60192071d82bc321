import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../root.ts";

/** A folder outside of the clone whose `import "pvh"` leads to the clone. */
export function userProject(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "pvh-project-"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules/pvh"));
  const all = { "package.json": '{ "type": "commonjs" }', ...files };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Run pvh in a folder. */
export async function pvhIn(folder: string, ...words: readonly string[]): Promise<Ended> {
  const argv = ["--conditions=pvh-source", join(ROOT, "harness/cli/main.ts"), ...words];
  // pvh tells its project to what it starts; this test may run in one.
  const env = { ...process.env, PVH_PROJECT: "", PVH_CONFIG: "" };
  try {
    const ended = await promisify(execFile)(process.execPath, argv, { cwd: folder, env });
    return { exitCode: 0, stdout: ended.stdout, stderr: ended.stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { exitCode: code, stdout, stderr };
  }
}

/** A scenario file of checks. */
export function scenarioFile(name: string, checks: Readonly<Record<string, string>>): string {
  const lines = Object.entries(checks).map(
    ([id, body]) => `check(${JSON.stringify(id)}, "it holds", async ({ inside }) => { ${body} });`,
  );
  return `import { check, scenario } from "pvh";
scenario(${JSON.stringify(name)}, { summary: "s", containers: ["own"] }, () => {
${lines.join("\n")}
});
`;
}

/** A container's folder. */
export const OWN_CONTAINER = {
  "containers/own/container.json": '{ "entrypoint": ["/usr/lib/pv-example/idle"] }',
  "containers/own/args.json": "{}",
};
