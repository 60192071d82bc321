import { createHash } from "node:crypto";
import { PassThrough } from "node:stream";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import tar from "tar-stream";
import { entry, fileEntry } from "./layer.ts";
import type { Layer } from "./layer-cache.ts";

export interface ImageConfig {
  /** Architecture in Docker's words: amd64, arm64. */
  readonly architecture: string;
  readonly entrypoint: readonly string[];
  readonly environment: readonly string[];
  readonly stopSignal: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Archive {
  /** SHA-256 of the configuration, the image's id on engines without the containerd store. */
  readonly id: string;
  /** Bytes of the layers, for progress. */
  readonly size: number;
  /** The docker-archive, as `docker load` takes it. Each call gives a new stream. */
  stream(): Readable;
}

/**
 * An image as `docker save` would write it (docker-archive; engines before 25 cannot load an
 * OCI layout). The same layers and configuration give the same bytes.
 */
export function dockerArchive(
  tags: readonly string[],
  config: ImageConfig,
  layers: readonly Layer[],
): Archive {
  const configuration = Buffer.from(JSON.stringify(configJson(config, layers)));
  const id = createHash("sha256").update(configuration).digest("hex");
  const manifest = [
    {
      Config: `${id}.json`,
      RepoTags: tags,
      Layers: layers.map(({ digest }) => `${digest}/layer.tar`),
    },
  ];
  return {
    id: `sha256:${id}`,
    size: layers.reduce((sum, { size }) => sum + size, 0),
    stream() {
      const pack = tar.pack();
      const feed = async () => {
        await entry(pack, { name: `${id}.json` }, configuration);
        await entry(pack, { name: "manifest.json" }, Buffer.from(JSON.stringify(manifest)));
        for (const { digest, path, size } of layers) {
          await entry(pack, { name: `${digest}/`, type: "directory" });
          await fileEntry(pack, { name: `${digest}/layer.tar`, size }, path);
        }
        pack.finalize();
      };
      const stream = new PassThrough({ highWaterMark: 1 << 20 });
      Promise.all([pipeline(pack, stream), feed()]).catch((error: unknown) => {
        stream.destroy(error instanceof Error ? error : new Error(String(error)));
        pack.destroy();
      });
      return stream;
    },
  };
}

/** The parts of the image specification that engines read; the time is zero on purpose. */
function configJson(config: ImageConfig, layers: readonly Layer[]): object {
  const epoch = "1970-01-01T00:00:00Z";
  return {
    architecture: config.architecture,
    os: "linux",
    created: epoch,
    config: {
      Entrypoint: config.entrypoint,
      Env: config.environment,
      Labels: config.labels,
      StopSignal: config.stopSignal,
      WorkingDir: "/",
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => `sha256:${digest}`) },
    history: layers.map(() => ({ created: epoch, created_by: "pvh build" })),
  };
}
