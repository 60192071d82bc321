import { join } from "node:path";
import { pack } from "tar-stream";
import { inject } from "vitest";
import { AppengineContainer } from "../../harness/appengine/appengine-container.ts";
import { expect } from "../../harness/facts/expect.ts";
import { findEngine } from "../../harness/engine/find-engine.ts";
import type { Engine } from "../../harness/engine/engine.ts";
import { buildWithKas } from "../../harness/image/kas/build-with-kas.ts";
import type { KasBuildOptions } from "../../harness/image/kas/build-with-kas.ts";
import { saveImage } from "../../harness/image/save-image.ts";
import { scenario } from "../../harness/run/scenario.ts";
import { withKas } from "../support/kas-stand-in.ts";
import { LayerCheckout } from "../support/layer-checkout.ts";

const MACHINE = "docker-x86_64";
const FAILS = `
for n in 1 2 3; do echo "NOTE: Running task $n of 4 (/repo/hello_1.0.bb:do_compile)"; done
echo "ERROR: pv-hello-1.0-r0 do_compile: oe_runmake failed"
exit 1
`;

scenario(
  "layer-build",
  {
    summary: "pvh build --kas: a checkout is built, told of, loaded and booted",
    // It boots the image as a build left it, without what pvh does for one that is judged.
    requires: ["reference"],
    boot: "none",
  },
  ({ check }) => {
    check(
      "layer.build",
      "kas-container gets configuration and targets; progress, exports and bitbake's error come back",
      async ({ signal, quirks }) => {
        await using checkout = await LayerCheckout.of("current");
        const images = join(checkout.path, "build/tmp-scarthgap/deploy/images", MACHINE);
        const told: string[] = [];
        const options: KasBuildOptions = {
          signal,
          quirks,
          progress: (line) => told.push(line),
          folder: join(checkout.path, "../out"),
          engine: () => Promise.reject(new Error("no image is made")),
        };
        const wish = { machine: MACHINE, targets: ["pv-hello"], workspace: false };
        const script = `
echo "NOTE: Running task 1 of 2 (/x/pv-hello_1.0.bb:do_fetch)"
mkdir -p ${images}; echo x > ${images}/pv-hello.pvrexport.tgz`;
        const { exports, configs } = await withKas(checkout, script, () =>
          buildWithKas(checkout.path, wish, options),
        );
        expect({ exports, configs }, "exports and configurations of the build").toEqual({
          exports: [join(images, "pv-hello.pvrexport.tgz")],
          configs: ["kas/build-configs/release/docker-x86_64-scarthgap.yaml"],
        });
        expect(told, "progress that was told").toContain(
          "task 1 of 2 (50 %): pv-hello_1.0 do_fetch",
        );
        await using broken = await LayerCheckout.of("former");
        const failing = withKas(broken, FAILS, () => buildWithKas(broken.path, wish, options));
        await expect(failing, "error of the failed build").rejects.toMatchObject({
          code: "PVH_KAS_BUILD",
          message: "the build failed at task 3 of 4: pv-hello-1.0-r0 do_compile: oe_runmake failed",
        });
      },
    );

    check(
      "layer.load",
      "the newest tarball is loaded under its own tag, and boots",
      async ({ signal, quirks }) => {
        await using checkout = await LayerCheckout.of("current");
        const engine = await findEngine({ signal });
        await using tag = await Tag.of(engine, inject("pvh").image);
        await using old = await Tag.empty(engine);
        const built = join(checkout.path, "../built.tar");
        const stale = join(checkout.path, "../stale.tar");
        await saveImage(engine, tag.name, built, signal);
        await saveImage(engine, old.name, stale, signal);
        await tag.remove();
        const deploy = (codename: string): string =>
          join(checkout.path, `build/tmp-${codename}/deploy/images/${MACHINE}`);
        const put = (from: string, codename: string): string =>
          `mkdir -p ${deploy(codename)}; mv ${from} ${deploy(codename)}/pantavisor-appengine-docker.tar`;
        const script = `${put(stale, "kirkstone")}
touch -d 2020-01-01 ${deploy("kirkstone")}/*
${put(built, "scarthgap")}`;
        const wish = { machine: MACHINE, targets: [], workspace: false };
        const { image, tarball } = await withKas(checkout, script, () =>
          buildWithKas(checkout.path, wish, {
            signal,
            quirks,
            progress: () => undefined,
            folder: join(checkout.path, "../out"),
            engine: () => Promise.resolve(engine),
          }),
        );
        expect(tarball, "tarball that was loaded").toBe(
          join(deploy("scarthgap"), "pantavisor-appengine-docker.tar"),
        );
        expect(image, "image that was loaded").toMatchObject({
          ref: tag.name,
          id: tag.id,
          loaded: true,
        });
        await using appengine = await new AppengineContainer(tag.name)
          .withEngine(engine)
          .start({ signal });
        expect(
          await appengine.control.json("/groups", signal),
          "groups of the booted image",
        ).not.toEqual([]);
      },
      { timeout: 150_000 },
    );
  },
);

/** A tag of an image that is this check's own. */
class Tag implements AsyncDisposable {
  readonly name: string;
  readonly id: string;
  readonly #engine: Engine;

  private constructor(engine: Engine, name: string, id: string) {
    this.#engine = engine;
    this.name = name;
    this.id = id;
  }

  static async of(engine: Engine, image: string): Promise<Tag> {
    const [repo, tag] = ["pvh-kas-check", crypto.randomUUID().slice(0, 8)];
    await engine.docker.getImage(image).tag({ repo, tag });
    const { Id } = await engine.docker.getImage(image).inspect();
    return new Tag(engine, `${repo}:${tag}`, Id);
  }

  /** An image with nothing to boot. */
  static async empty(engine: Engine): Promise<Tag> {
    const [repo, tag] = ["pvh-kas-old", crypto.randomUUID().slice(0, 8)];
    const tar = pack();
    tar.entry({ name: "old" }, "old");
    tar.finalize();
    const done = await engine.docker.importImage(tar as unknown as NodeJS.ReadableStream, {
      repo,
      tag,
    });
    done.resume();
    await new Promise((resolve, reject) => done.once("end", resolve).once("error", reject));
    const { Id } = await engine.docker.getImage(`${repo}:${tag}`).inspect();
    return new Tag(engine, `${repo}:${tag}`, Id);
  }

  async remove(): Promise<void> {
    await this.#engine.docker
      .getImage(this.name)
      .remove()
      .catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}
