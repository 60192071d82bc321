import type { Engine } from "../engine/engine.ts";
import { PvhError } from "../errors.ts";
import { dockerArchive } from "./docker-archive.ts";
import { cachedLayer } from "./layer-cache.ts";
import type { CacheOptions } from "./layer-cache.ts";
import { makeImage } from "./load-stream.ts";
import { CONTENT_LABEL, REFERENCE_REPOSITORY, useImage } from "./reference-image.ts";
import { makeRootfs } from "./rootfs.ts";
import { readPackages, rootfsKey } from "./sources.ts";

/**
 * An image of the reference image's Debian packages and further ones, without programs of pvh.
 * Made and loaded when the engine does not have it.
 *
 * @returns name of the image
 * @throws PvhError PVH_CAPABILITY when the packages cannot be had, PVH_NO_SPACE, PVH_ENGINE,
 *         PVH_ABORTED
 */
export async function ensurePackageImage(
  engine: Engine,
  name: string,
  more: readonly string[],
  options: CacheOptions,
): Promise<string> {
  const packages = [...new Set([...(await readPackages()), ...more])].sort();
  const key = await rootfsKey(packages);
  const ref = `${REFERENCE_REPOSITORY}:${name}-${key.slice(0, 12)}`;
  if ((await useImage(engine, ref, CONTENT_LABEL, key)) !== undefined) return ref;
  const make = (path: string) => makeRootfs(engine, packages, path, options);
  const layer = await cachedLayer(`rootfs-${name}`, key, 1, make, options).catch(
    (error: unknown) => {
      throw packagesMissing(error, name);
    },
  );
  const archive = dockerArchive(
    [ref],
    {
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      entrypoint: [],
      environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      stopSignal: "SIGKILL",
      labels: { [CONTENT_LABEL]: key },
    },
    [layer],
  );
  const doing = `loading the packages of the root ${name}`;
  options.progress(`${doing} (${Math.round(archive.size / 1e6)} MB)`);
  const stream = archive.stream();
  const loading = engine.docker.loadImage(stream, { quiet: true });
  await makeImage(stream, loading, options.signal, { doing, subject: ref });
  return ref;
}

/** Without its packages a root is a thing that this machine lacks, and no fault of pvh. */
function packagesMissing(error: unknown, name: string): unknown {
  if (!(error instanceof PvhError) || error.code !== "PVH_BUILD") return error;
  const [why = ""] = error.message.split("\n");
  return new PvhError("PVH_CAPABILITY", `the packages of the root ${name} cannot be had: ${why}`, {
    hint: "run apt-get update to check that the Debian mirrors can be reached",
    cause: error,
  });
}
