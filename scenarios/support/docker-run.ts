import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Container } from "dockerode";
import { inject } from "vitest";
import { Appengine } from "../../harness/appengine/appengine.ts";
import { prepared } from "../../harness/appengine/boot-preparation.ts";
import { EXPORTS_FOLDER, STORAGE } from "../../harness/appengine/layout.ts";
import type { Engine } from "../../harness/engine/engine.ts";
import { entryPointOf } from "../../harness/engine/entry-point.ts";
import { ownerLabels } from "../../harness/engine/labels.ts";
import { privilegeProfile } from "../../harness/engine/privilege-profile.ts";
import { demandRemoval, reap } from "../../harness/engine/reaper.ts";

export interface DockerRunOptions {
  /** `-v VOLUME:/var/pantavisor/storage` */
  readonly volume: string;
  /** `-v FOLDER:/usr/lib/pantavisor/pvtx.d` */
  readonly folder: string;
  readonly quirks: readonly string[];
  /** `--entrypoint` with its arguments; default: the image's own. */
  readonly entrypoint?: readonly string[];
}

/**
 * The documented `docker run -d --privileged -v … -v … IMAGE`, on the image of this run, with
 * nothing that pvh does for an appengine. Where the machine cannot do `--privileged` it gets
 * what comes nearest: the privilege profile, and on an image other than the reference the preparation that
 * `pvh up --print` prints too. There is no network. The labels are there to clean up by.
 */
export async function dockerRun(engine: Engine, options: DockerRunOptions): Promise<DockerRun> {
  const { run, image, reference } = inject("pvh");
  const { quirks, entrypoint } = options;
  const Labels = ownerLabels({ run });
  const profile = privilegeProfile(engine);
  await engine.docker.createVolume({ Name: options.volume, Labels });
  const isPrivileged = profile.Privileged === true;
  const own = entrypoint ?? entryPointOf((await engine.docker.getImage(image).inspect()).Config);
  const [program, ...words] = isPrivileged || reference ? own : prepared(own);
  const container = await engine.docker.createContainer({
    name: `pva-test-${crypto.randomUUID().slice(0, 8)}`,
    Image: image,
    Entrypoint: program === undefined ? [] : [program],
    Cmd: words,
    Env: quirks.length === 0 ? [] : [`PVH_QUIRKS=${quirks.join(",")}`],
    Labels,
    HostConfig: {
      ...(isPrivileged ? { Privileged: true } : profile),
      NetworkMode: "none",
      Binds: [`${options.folder}:${EXPORTS_FOLDER}`, `${options.volume}:${STORAGE}`],
    },
  });
  const started = new DockerRun(engine, container);
  await container.start().catch(async (error: unknown) => {
    await started.remove();
    throw error;
  });
  return started;
}

/** Remove it with `forget`, which leaves its volume to the next, or with `remove`. */
export class DockerRun {
  /** pvh's view of it: shell, pv-ctrl, logs. */
  readonly appengine: Appengine;
  readonly #engine: Engine;
  readonly #container: Container;

  constructor(engine: Engine, container: Container) {
    this.#engine = engine;
    this.#container = container;
    this.appengine = new Appengine(container, container.id);
  }

  /** `docker exec -d` */
  async execInBackground(argv: readonly string[]): Promise<void> {
    await (await this.#container.exec({ Cmd: [...argv] })).start({ Detach: true });
  }

  /** `docker rm -f` */
  async forget(): Promise<void> {
    await this.appengine.close();
    await this.#container.remove({ force: true });
  }

  /** `docker rm -f` and `docker volume rm` */
  async remove(): Promise<void> {
    await this.appengine.close();
    demandRemoval(await reap(this.#engine, { kind: "container", name: this.#container.id }));
  }
}

/** A folder of copies of these exports, to be mounted; gone when it is disposed of. */
export async function exportsFolder(
  paths: readonly string[],
): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "pvh-pvtx.d-"));
  await Promise.all(paths.map((file) => copyFile(file, join(path, basename(file)))));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
