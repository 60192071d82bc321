import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pack } from "tar-stream";
import { expect } from "../../harness/facts/expect.ts";
import { RUN_LOG_ROOT } from "../../harness/appengine/layout.ts";
import { findEngine } from "../../harness/engine/find-engine.ts";
import type { Engine } from "../../harness/engine/engine.ts";
import { loadImageTarball } from "../../harness/image/load-image.ts";
import type { CheckContext } from "../../harness/run/scenario-definition.ts";
import { exportsOf } from "../../harness/run/exports-of.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { until } from "../../harness/until.ts";
import { dockerRun, exportsFolder } from "../support/docker-run.ts";
import type { DockerRun } from "../support/docker-run.ts";

const SERVER = "pv-example-unix-server";
const CLIENT = "pv-example-unix-client";
const APP = "pv-example-app";
const READY_SOON = 15_000;

scenario(
  "boot-docker",
  {
    summary: "what the documents do with docker alone works, and pvh tells a volume that was used",
    boot: "none",
  },
  ({ check }) => {
    check(
      "boot.image.load",
      "a docker-save tarball loads, is named, and is not loaded twice",
      async ({ signal, quirks }) => {
        const engine = await findEngine({ signal });
        const { docker } = engine;
        const folder = await mkdtemp(join(tmpdir(), "pvh-load-"));
        const tag = `pvh-load-check:${crypto.randomUUID().slice(0, 8)}`;
        const [repo = "", version = ""] = tag.split(":");
        try {
          const tar = pack();
          tar.entry({ name: "hello" }, "hello");
          tar.finalize();
          await ended(
            await docker.importImage(tar as unknown as NodeJS.ReadableStream, {
              repo,
              tag: version,
            }),
          );
          const { Id: id } = await docker.getImage(tag).inspect();
          const tarball = join(folder, "image.tar");
          await pipeline(await docker.getImage(tag).get(), createWriteStream(tarball));
          await docker.getImage(tag).remove();

          const load = () => loadImageTarball(engine, tarball, { quirks });
          expect(await load(), "outcome of the first load").toEqual({
            ref: tag,
            tags: [tag],
            id,
            loaded: true,
          });
          expect((await docker.getImage(tag).inspect()).Id, "id of the image under its tag").toBe(
            id,
          );
          expect(await load(), "outcome of the second load").toEqual({
            ref: tag,
            tags: [tag],
            id,
            loaded: false,
          });
        } finally {
          await docker
            .getImage(tag)
            .remove()
            .catch(() => undefined);
          await rm(folder, { recursive: true });
        }
      },
    );

    check(
      "boot.docker-run",
      "the documented Quick Start and Interactive lines work without pvh",
      async ({ signal, skip, quirks }) => {
        const engine = await engineHere(signal, skip);
        await using folder = await exportsFolder(await exportsOf([SERVER, CLIENT], signal));

        const quick = await dockerRun(engine, { volume: volume(), folder: folder.path, quirks });
        try {
          await expectStable(quick, signal);
        } finally {
          await quick.remove();
        }

        const interactive = await dockerRun(engine, {
          volume: volume(),
          folder: folder.path,
          quirks,
          entrypoint: ["/bin/sh", "-c", "sleep infinity"],
        });
        try {
          const stdout = await interactive.appengine.text("ls /run/pantavisor 2>/dev/null; :");
          expect(stdout, "containers that run from the new exports on the used volume").toBe("");
          // The shell of the document stays too, and with it what pv-appengine prints to.
          await interactive.execInBackground(["sh", "-c", "pv-appengine & wait"]);
          await expectStable(interactive, signal);
        } finally {
          await interactive.remove();
        }
      },
    );

    check(
      "boot.pvtx.once",
      "a reused volume ignores new exports, and pvh says so",
      async ({ signal, skip, quirks }) => {
        const engine = await engineHere(signal, skip);
        await using folder = await exportsFolder(await exportsOf([SERVER], signal));
        const used = volume();
        const first = await dockerRun(engine, { volume: used, folder: folder.path, quirks });
        try {
          // A fresh volume: pvh has nothing to say against it.
          await first.appengine.boot("auto", { signal, until: "ready" });
        } catch (error) {
          await first.remove();
          throw error;
        }
        await first.forget();
        await using other = await exportsFolder(await exportsOf([APP], signal));
        const second = await dockerRun(engine, { volume: used, folder: other.path, quirks });
        try {
          const names = await until(
            "the containers of the second boot",
            async () => (await second.appengine.control.containers(signal)).map(({ name }) => name),
            { signal, timeout: READY_SOON },
          );
          expect(names, "containers of the second appengine on the used volume").toEqual([SERVER]);
          await expect(
            second.appengine.boot("auto", { signal, until: "ready" }),
            "boot on a used volume with a new export",
          ).rejects.toMatchObject({
            code: "PVH_NEVER_READY",
            message: expect.stringMatching(
              /volume was used before.*pvh-[0-9a-f]{16}\.[0-9a-f]{64}\.pvrexport\.tgz/,
            ) as string,
          });
        } finally {
          await second.remove();
        }
      },
      { timeout: 90_000 },
    );
  },
);

/** The folder of exports is mounted: the engine has to see this machine's files. */
async function engineHere(signal: AbortSignal, skip: CheckContext["skip"]): Promise<Engine> {
  const engine = await findEngine({ signal });
  if (!engine.sameMachine) skip(`the engine at ${engine.host} is not on this machine`);
  return engine;
}

function volume(): string {
  return `storage-test-${crypto.randomUUID().slice(0, 8)}`;
}

/** "Verify Pantavisor is Stable" and "Check Container Status", as documented. */
async function expectStable({ appengine }: DockerRun, signal: AbortSignal): Promise<void> {
  const log = `${RUN_LOG_ROOT}/0/pantavisor/pantavisor.log`;
  await until(
    "the READY line",
    async () => {
      const stdout = await appengine.text(`grep "status is now READY" ${log}`, { signal });
      return stdout.includes("state revision '0' status is now READY");
    },
    { signal, timeout: READY_SOON },
  );
  const stdout = await appengine.text("lxc-ls -f");
  for (const name of [SERVER, CLIENT]) {
    expect(stdout, `row of ${name} in lxc-ls -f`).toMatch(new RegExp(`^${name} +RUNNING `, "m"));
  }
}

async function ended(stream: NodeJS.ReadableStream): Promise<void> {
  stream.resume();
  await new Promise((resolve, reject) => stream.once("end", resolve).once("error", reject));
}
