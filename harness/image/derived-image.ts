import { stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { withFileLock } from "../engine/file-lock.ts";
import { cacheFolder } from "../engine/folders.ts";
import { PvhError } from "../errors.ts";
import { entry, fileEntry } from "./layer.ts";
import { makeImage } from "./load-stream.ts";
import { useImage } from "./reference-image.ts";

/** An image that is made from another one by the engine, without a network. */
export interface Derivation {
  /** Name of the result, which says what its content is. */
  readonly ref: string;
  /** Label of the result, and its value: all that goes into it. */
  readonly label: string;
  readonly content: string;
  /** Lines of its Dockerfile; the label is added. */
  readonly dockerfile: readonly string[];
  /** Files of the build context by name. */
  readonly files: ReadonlyMap<string, { readonly file: string }>;
}

/** Images that this process has seen on an engine: it need not look again for each scenario. */
const seen = new WeakMap<Engine, Set<string>>();

/**
 * The derived image, made when the engine does not have it.
 * @throws PvhError PVH_ENGINE, PVH_NO_SPACE, PVH_ABORTED
 */
export async function ensureDerivedImage(
  engine: Engine,
  derivation: Derivation,
  { signal = new AbortController().signal, progress = () => undefined }: FindOptions = {},
): Promise<void> {
  const { ref, label, content } = derivation;
  const there = seen.get(engine) ?? new Set();
  seen.set(engine, there);
  const has = async () => (await useImage(engine, ref, label, content)) !== undefined;
  if (there.has(ref)) return;
  if (!(await has())) {
    await withFileLock(
      join(cacheFolder("stock"), "lock"),
      async () => {
        if (!(await has())) await build(engine, derivation, signal);
      },
      { signal, onWait: () => progress("another pvh is making the image") },
    );
    if (!(await has())) {
      const message = `the engine does not have the image ${ref} after building it`;
      throw new PvhError("PVH_ENGINE", message);
    }
  }
  there.add(ref);
}

async function build(
  engine: Engine,
  { ref, label, content, dockerfile, files }: Derivation,
  signal: AbortSignal,
): Promise<void> {
  const context = contextOf([...dockerfile, `LABEL ${label}=${content}`].join("\n"), files);
  const building = engine.docker.buildImage(context, { t: ref, networkmode: "none" });
  await makeImage(context, building, signal, { doing: `making ${ref}`, subject: ref });
}

/** The build context: a Dockerfile and the files under their names. */
function contextOf(dockerfile: string, files: Derivation["files"]): Readable {
  const tar = pack();
  const fill = async (): Promise<void> => {
    await entry(tar, { name: "Dockerfile" }, Buffer.from(dockerfile));
    for (const [name, { file }] of files) {
      const { size } = await stat(file);
      await fileEntry(tar, { name, size }, file);
    }
    tar.finalize();
  };
  fill().catch((error: unknown) => tar.destroy(error as Error));
  return Readable.from(tar);
}
