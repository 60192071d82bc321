import { existsSync } from "node:fs";
import type { Container, ContainerCreateOptions } from "dockerode";
import type { Engine } from "../engine/engine.ts";
import { engineError, isEngineGone } from "../engine/engine-error.ts";
import { openStream } from "../engine/streams.ts";
import { findProgram } from "../engine/programs.ts";
import { IDLE_ENTRY, withTemporaryContainer } from "../engine/temporary-container.ts";
import { PvhError } from "../errors.ts";
import { dockerArchive } from "./docker-archive.ts";
import { imageFacts } from "./image-facts.ts";
import { writeLayer } from "./layer.ts";
import type { LayerFile } from "./layer.ts";
import { cachedLayer } from "./layer-cache.ts";
import type { CacheOptions } from "./layer-cache.ts";
import { makeImage } from "./load-stream.ts";
import { pullImage } from "./pull-image.ts";

export const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
const DEBIAN = "debian:bookworm-slim";
/** An image without a file: the programs of this machine are mounted into its container. */
const EMPTY = "pvh-appengine:programs-of-this-machine";

/** Place where mmdebstrap, which takes root, can run. */
export type BuilderPlace =
  /** This process is root, and the program is here. */
  | "here"
  /** A container that has this machine's programs; the engine runs on this machine. */
  | "own-programs"
  /** A container of Debian's image. */
  | "debian";

/** The name of a place, as a message says it. */
export const PLACES: Readonly<Record<BuilderPlace, string>> = {
  here: "with mmdebstrap",
  "own-programs": "with this machine's mmdebstrap, in a container on the engine",
  debian: `in a ${DEBIAN} container`,
};

export function builderPlace({ sameMachine }: Pick<Engine, "sameMachine">): BuilderPlace {
  if (findProgram("mmdebstrap") === undefined || !existsSync(KEYRING)) return "debian";
  if (process.getuid?.() === 0) return "here";
  return sameMachine ? "own-programs" : "debian";
}

/**
 * Use a container in which mmdebstrap runs as root; one of Debian's image where the other is refused.
 *
 * @throws PvhError PVH_BUILD when Debian's image cannot be had, and whatever `use` throws
 */
export async function withBuilder<T>(
  engine: Engine,
  place: Exclude<BuilderPlace, "here">,
  options: CacheOptions & { readonly onStderr: (line: string) => void },
  use: (container: Container) => Promise<T>,
): Promise<T> {
  if (place === "own-programs") {
    const own = { Image: await emptyImage(engine, options), ...mounting(OWN_PROGRAMS) };
    const used = await withTemporaryContainer(engine, own, async (container) => {
      // Where pvh runs in a container itself, the engine's machine may have other programs.
      const refused = await whyNotStarted(container);
      if (refused === undefined) return { result: await use(container) };
      options.progress(`mmdebstrap cannot run there (${refused}); going on ${PLACES.debian}`);
      return undefined;
    });
    if (used !== undefined) return used.result;
  }
  await ensureDebian(engine, options);
  const debian = { Image: DEBIAN, ...mounting([]) };
  return withTemporaryContainer(engine, debian, async (container) => {
    await container.start();
    const install = "apt-get update && apt-get install -y --no-install-recommends mmdebstrap mount";
    await demand(container, ["sh", "-c", `{ ${install}; } >&2`], options.onStderr);
    return use(container);
  });
}

/** Folders of this machine, read-only: programs, and what apt and the resolver are told. */
const OWN_PROGRAMS = ["/usr:/usr:ro", "/etc:/etc:ro"];

/** Debian 12 and its like have their programs below /usr. */
const EMPTY_FILES: readonly LayerFile[] = [
  ...["bin", "lib", "lib64", "sbin"].map((name) => ({
    path: name,
    content: { link: `usr/${name}` },
  })),
  ...["tmp/.here", "var/lib/dpkg/status"].map((path) => ({ path, content: Buffer.alloc(0) })),
];

/** mmdebstrap mounts proc and sys in the root that it makes. */
const UNCONFINED = ["seccomp=unconfined", "apparmor=unconfined"];

/** The machine's network: a private engine has no other, and its mirrors may be reached by it alone. */
function mounting(Binds: string[]): Omit<ContainerCreateOptions, "Image"> {
  return {
    Entrypoint: IDLE_ENTRY,
    Env: [
      "SOURCE_DATE_EPOCH=0",
      "LC_ALL=C",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ],
    HostConfig: { NetworkMode: "host", CapAdd: ["SYS_ADMIN"], SecurityOpt: UNCONFINED, Binds },
  };
}

async function emptyImage(engine: Engine, options: CacheOptions): Promise<string> {
  const make = (path: string): Promise<void> => writeLayer(path, EMPTY_FILES);
  const layer = await cachedLayer("builder", "1", 1, make, options);
  const config = {
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    entrypoint: [],
    environment: [],
    stopSignal: "SIGKILL",
    labels: {},
  };
  const stream = dockerArchive([EMPTY], config, [layer]).stream();
  const names = { doing: "loading an empty image", subject: EMPTY };
  const loading = engine.docker.loadImage(stream, { quiet: true });
  await makeImage(stream, loading, options.signal, names);
  return EMPTY;
}

/** The engine's words when the container does not start, or has no mmdebstrap. */
async function whyNotStarted(container: Container): Promise<string | undefined> {
  try {
    await container.start();
    await demand(container, ["mmdebstrap", "--version"], () => undefined);
    return undefined;
  } catch (error) {
    const known = engineError(error, "the container");
    const [words] = known.message.split("\n", 1);
    if (isEngineGone(known)) throw known;
    return words;
  }
}

async function demand(
  container: Container,
  argv: readonly string[],
  onStderr: (line: string) => void,
): Promise<void> {
  const stream = await openStream(container, argv, { onStderr });
  await stream.resume().end().toArray();
  if ((await stream.exitCode()) !== 0) throw new Error(`${argv[0] ?? ""} failed`);
}

/** An image that is on the engine is used as it is: not every engine reaches a registry. */
async function ensureDebian(engine: Engine, options: CacheOptions): Promise<void> {
  if ((await imageFacts(engine, DEBIAN)) !== undefined) return;
  try {
    await pullImage(engine, DEBIAN, options);
  } catch (error) {
    if (options.signal.aborted || isEngineGone(error)) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new PvhError("PVH_BUILD", `the engine at ${engine.host} cannot pull ${DEBIAN}: ${why}`, {
      hint: `docker load that image, or install mmdebstrap and debian-archive-keyring on this machine`,
      cause: error,
    });
  }
}
