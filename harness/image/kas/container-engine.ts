import { $ } from "zx";
import { findProgram, systemPath } from "../../engine/programs.ts";
import { PvhError } from "../../errors.ts";

/** Milliseconds that the container engine's client has to answer. */
const PATIENCE = 15_000;

/** The client of the container engine that kas-container takes: KAS_CONTAINER_ENGINE, docker or podman. */
export class ContainerEngine {
  readonly program: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(program: string, env: NodeJS.ProcessEnv) {
    this.program = program;
    this.#env = env;
  }

  /** @throws PvhError PVH_CAPABILITY without one, PVH_ENGINE_UNREACHABLE where it may not be used */
  static async find(env: NodeJS.ProcessEnv = process.env): Promise<ContainerEngine> {
    const wanted = env["KAS_CONTAINER_ENGINE"] ?? env["KAS_DOCKER_ENGINE"];
    const names = wanted === undefined ? ["docker", "podman"] : [wanted];
    const program = names.find((name) => findProgram(name) !== undefined);
    if (program === undefined) {
      throw new PvhError("PVH_CAPABILITY", `kas-container needs ${names.join(" or ")}`, {
        hint: "apt-get install docker.io",
      });
    }
    if (process.geteuid?.() === 0 && env["KAS_ALLOW_ROOT"] !== "yes") {
      throw new PvhError("PVH_USAGE", "kas-container does not build as root", {
        hint: "build as a user who may use docker, or set KAS_ALLOW_ROOT=yes",
      });
    }
    const engine = new ContainerEngine(program, { ...env, PATH: systemPath() });
    const { exitCode, stderr, stdout } = await engine.#run("info", "--format", "{{.ID}}");
    if (exitCode === 0) return engine;
    const [why = "it does not answer"] = `${stderr}\n${stdout}`
      .split("\n")
      .filter((line) => line !== "");
    throw new PvhError("PVH_ENGINE_UNREACHABLE", `kas-container cannot use ${program}: ${why}`, {
      hint: "usermod -aG docker $USER and a new login give a user the right; DOCKER_HOST names another engine",
    });
  }

  /** Remove a container, running or not. @returns false when it may still be there */
  async remove(name: string): Promise<boolean> {
    const { exitCode, stderr } = await this.#run("rm", "--force", name);
    return exitCode === 0 || /no such container/i.test(stderr);
  }

  #run(...words: readonly string[]) {
    const options = { env: this.#env, quiet: true, nothrow: true, timeout: PATIENCE } as const;
    return $({ ...options, timeoutSignal: "SIGKILL" })`${this.program} ${[...words]}`;
  }
}
