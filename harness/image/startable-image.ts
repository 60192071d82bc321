import { lastOutput } from "../engine/container-output.ts";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { engineError } from "../engine/engine-error.ts";
import { entryPointOf } from "../engine/entry-point.ts";
import { withTemporaryContainer } from "../engine/temporary-container.ts";
import { PvhError } from "../errors.ts";
import { messageOfThrown } from "../thrown.ts";

/** The kernel's word for a program of another machine, ENOEXEC. */
const FOREIGN = "exec format error";
const APPENGINE = "pv-appengine";
/** Milliseconds for a shell to look for two programs, on a machine that is busy. */
const LOOK = 60_000;

/** Prints each of its arguments that is no program. */
const MISSING = 'for name; do command -v "$name" >/dev/null || echo "missing $name"; done';

/**
 * Refuse an image that cannot start as an appengine, before anything is booted from it.
 *
 * @param image its name, and that of the image which is booted for it
 * @throws PvhError PVH_BAD_IMAGE when its programs do not run on the engine's machine, or when it
 *         has no /bin/sh, no pv-appengine or not its own entry point; PVH_ENGINE, PVH_ABORTED
 */
export async function refuseNoAppengine(
  engine: Engine,
  { ref, bootImage }: { readonly ref: string; readonly bootImage: string },
  { signal }: FindOptions = {},
): Promise<void> {
  const { Architecture, Config } = await engine.docker.getImage(ref).inspect();
  const [entry = APPENGINE] = entryPointOf(Config);
  const said = await look(engine, bootImage, [APPENGINE, entry], signal);
  const machine = said.includes(FOREIGN) ? (await engine.docker.version()).Arch : "";
  const refusal = whyNoAppengine(said, { entry, architecture: Architecture, machine });
  if (refusal === undefined) return;
  throw new PvhError("PVH_BAD_IMAGE", `image ${ref} ${refusal}`, {
    hint: `docker image inspect ${ref} shows for which machine and which entry point it was made`,
  });
}

/**
 * @param said the output of MISSING, or why it could not start
 * @param facts entry point of the image, its architecture, and that of the engine's machine
 * @returns undefined for an image that has all that an appengine needs
 */
export function whyNoAppengine(
  said: string,
  facts: { readonly entry: string; readonly architecture: string; readonly machine: string },
): string | undefined {
  const { entry, architecture, machine } = facts;
  const missing = [...said.matchAll(/^missing (.+)$/gm)].map(([, name]) => name ?? "");
  if (said.includes(FOREIGN)) {
    const made = architecture === machine ? "another machine" : architecture;
    return `has programs for ${made}: the engine's machine (${machine}) cannot run them`;
  }
  if (/"\/bin\/sh"|\/bin\/sh: /.test(said)) return "has no /bin/sh that starts";
  if (missing.includes(entry)) return `cannot start: its entry point ${entry} is not in it`;
  const isEntry = entry.split("/").at(-1) === APPENGINE;
  if (missing.includes(APPENGINE) && !isEntry) {
    return `is no appengine: it has no ${APPENGINE}`;
  }
  return undefined;
}

/** @returns all that it printed, or why it could not start */
async function look(
  engine: Engine,
  image: string,
  names: readonly string[],
  given?: AbortSignal,
): Promise<string> {
  const late = AbortSignal.timeout(LOOK);
  const abortSignal = given === undefined ? late : AbortSignal.any([given, late]);
  try {
    const Entrypoint = ["/bin/sh", "-c", MISSING, "sh", ...names];
    const options = { Image: image, Entrypoint, Cmd: [], abortSignal };
    return await withTemporaryContainer(engine, options, async (container) => {
      const refused = await container.start({ abortSignal }).then(() => undefined, messageOfThrown);
      if (refused !== undefined && !/OCI runtime|exec/.test(refused)) throw new Error(refused);
      if (refused !== undefined) return refused;
      await container.wait({ abortSignal });
      return lastOutput(container);
    });
  } catch (error) {
    throw engineError(error, image);
  }
}
