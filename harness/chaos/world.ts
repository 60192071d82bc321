import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Docker from "dockerode";
import { $ } from "zx";
import { OWNER_LABEL } from "../engine/labels.ts";
import { PROJECT } from "../image/sources.ts";
import { processes, withVariable } from "../processes.ts";
import { messageOfThrown } from "../thrown.ts";

const MARK = "PVH_CHAOS";

/**
 * A pvh with a private engine of its own, so that nothing that happens here happens to another.
 * Its cache is the user's: there is the root file system, which takes minutes to make.
 */
export class World {
  readonly #state: string;
  /** Every process that is started here carries it. */
  readonly #mark: string;

  /** @param state folder for the engine; the path is to be short, for the sockets' sake */
  constructor(state: string, mark: string) {
    this.#state = state;
    this.#mark = mark;
  }

  /**
   * Start pvh, with its words in a file. It has the session of the busy loops: where the kernel
   * gives each session its share (sched_autogroup), they would not disturb one of its own.
   * @param options.disk size of the file system that it finds in `cwd`, in a mount namespace of
   *        its own; default: what is there
   */
  start(
    words: readonly string[],
    cwd: string,
    log: string,
    { disk }: { readonly disk?: string } = {},
  ): ChildProcess {
    const output = openSync(log, "a");
    const pvh = [join(PROJECT, "harness/setup/pvh"), ...words];
    const mount = `mount -t tmpfs -o size=${disk ?? ""} pvh-chaos . && cd "$PWD" && exec "$@"`;
    const small = ["unshare", "--mount", "sh", "-c", mount, "sh"];
    const [program = "", ...args] = disk === undefined ? pvh : [...small, ...pvh];
    try {
      return spawn(program, args, {
        cwd,
        stdio: ["ignore", output, output],
        env: this.#environment(),
      });
    } finally {
      closeSync(output);
    }
  }

  /** Run pvh to its end; returns its exit code. */
  async pvh(words: readonly string[], cwd: string, log: string): Promise<number> {
    const child = this.start(words, cwd, log);
    return new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
  }

  /** Pid of dockerd; undefined when it does not run. */
  enginePid(): number | undefined {
    try {
      const pid = Number(readFileSync(join(this.#runFolder, "dockerd.pid"), "utf8"));
      return processes().some((one) => one.pid === pid) ? pid : undefined;
    } catch {
      return undefined;
    }
  }

  /** Containers, volumes, loop devices and processes of pvh that are here now. */
  async left(): Promise<string[]> {
    const docker = new Docker({ socketPath: join(this.#runFolder, "docker.sock") });
    const filters = { label: [OWNER_LABEL] };
    const asked = Promise.all([
      docker.listContainers({ all: true, filters }),
      docker.listVolumes({ filters }),
    ]).catch((error: unknown) => messageOfThrown(error));
    const [answers, devices] = await Promise.all([
      asked,
      $`losetup --list --noheadings --output BACK-FILE`.lines(),
    ]);
    const engine = /^\S*(dockerd|containerd|containerd-shim)/;
    const onEngine =
      typeof answers === "string"
        ? [`an engine that does not answer: ${answers}`]
        : [
            ...answers[0].map(({ Names, State }) => `container ${Names[0] ?? "?"} (${State})`),
            ...answers[1].Volumes.map(({ Name }) => `volume ${Name}`),
          ];
    return [
      ...onEngine,
      ...devices
        .filter((file) => file.includes(this.#state))
        .map((file) => `loop device on ${file}`),
      ...withVariable(MARK, this.#mark)
        .filter(({ command }) => !engine.test(command))
        .map(({ pid, command }) => `process ${pid}: ${command.slice(0, 100)}`),
    ];
  }

  #environment(): NodeJS.ProcessEnv {
    const environment = { ...process.env, XDG_STATE_HOME: this.#state, [MARK]: this.#mark };
    // Only the private engine is to be found.
    return { ...environment, DOCKER_HOST: undefined, DOCKER_CONTEXT: undefined };
  }

  /** Run folder of the engine, computed as in harness/engine/folders.ts for this state folder. */
  get #runFolder(): string {
    const folder = join(this.#state, "pvh", "engine");
    return join("/run/pvh", createHash("sha256").update(folder).digest("hex").slice(0, 8));
  }
}
