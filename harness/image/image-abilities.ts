import { lastOutput } from "../engine/container-output.ts";
import { engineError } from "../engine/engine-error.ts";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { withTemporaryContainer } from "../engine/temporary-container.ts";

/** Types that the programs of an image know. Undefined: its files do not tell, and it may know any. */
export interface ImageAbilities {
  readonly containerTypes?: readonly string[];
  readonly serviceTypes?: readonly string[];
  /** False: pantavisor is built without the system bus that it hosts. */
  readonly hostsBus?: boolean;
}

/**
 * Pantavisor loads `pv_TYPE.so` for a container's type; each plugin of pv-xconnect says `pvx-TYPE` before what it
 * logs. A pantavisor that can host a system bus knows the file of its roles' uids. The tools that look may be the image's, or pvh's; the latter have a pv-xconnect too.
 */
const LOOK = `
broker=$(command -v pv-xconnect)
pantavisor=$(command -v pantavisor)
PATH=/usr/lib/pvh-tools/bin:$PATH
find / -xdev -name 'pv_*.so' 2>/dev/null
grep -aoE 'pvx-[a-z]+' "$broker" 2>/dev/null
grep -aoE 'dbus-role-uids' "$pantavisor" 2>/dev/null
:`;

/** Milliseconds for a look at the files, on a machine that is busy. */
const LATEST = 60_000;

/**
 * The abilities of an image that is not the reference.
 * @throws PvhError PVH_ENGINE, PVH_ABORTED
 */
export async function imageAbilities(
  engine: Engine,
  image: string,
  { signal }: FindOptions = {},
): Promise<ImageAbilities> {
  const late = AbortSignal.timeout(LATEST);
  const abortSignal = signal === undefined ? late : AbortSignal.any([signal, late]);
  const options = { Image: image, Entrypoint: ["/bin/sh", "-c", LOOK], Cmd: [], abortSignal };
  try {
    return await withTemporaryContainer(engine, options, async (container) => {
      await container.start({ abortSignal });
      await container.wait({ abortSignal });
      return abilitiesIn(await lastOutput(container));
    });
  } catch (error) {
    throw engineError(error, image);
  }
}

/** @param said the output of LOOK */
export function abilitiesIn(said: string): ImageAbilities {
  const found = (pattern: RegExp): string[] => [
    ...new Set([...said.matchAll(pattern)].map(([, type = ""]) => type)),
  ];
  const containerTypes = found(/\/pv_([a-z0-9]+)\.so$/gm);
  // The helper that makes device nodes is no plugin.
  const serviceTypes = found(/^pvx-(?!helper$)([a-z]+)$/gm);
  // Without these two the files are of another make than the ones that are known here.
  return {
    ...(containerTypes.includes("lxc") && {
      containerTypes,
      hostsBus: /^dbus-role-uids$/m.test(said),
    }),
    ...(serviceTypes.includes("unix") && { serviceTypes }),
  };
}

/** One line for the record; undefined where nothing is known. */
export function describeAbilities(abilities: ImageAbilities): string | undefined {
  const { containerTypes, serviceTypes } = abilities;
  const known = [
    ...(containerTypes === undefined ? [] : [`containers: ${containerTypes.join(", ")}`]),
    ...(serviceTypes === undefined ? [] : [`services: ${serviceTypes.join(", ")}`]),
  ];
  return known.length === 0 ? undefined : `types that the image knows, of ${known.join("; of ")}`;
}

/** @returns the reason why the image cannot have containers of this type, undefined where it may */
export function lacksContainerType(
  { containerTypes }: ImageAbilities,
  type: string,
): string | undefined {
  if (containerTypes?.includes(type) !== false) return undefined;
  return `this image knows no container type ${type} (${containerTypes.join(", ")})`;
}

/** The same of services. */
export function lacksServiceType(
  { serviceTypes }: ImageAbilities,
  type: string,
): string | undefined {
  if (serviceTypes?.includes(type) !== false) return undefined;
  return `this image's pv-xconnect knows no service type ${type} (${serviceTypes.join(", ")})`;
}

/** @returns the reason why the image's pantavisor cannot host a system bus, undefined where it may */
export function lacksHostedBus({ hostsBus }: ImageAbilities): string | undefined {
  return hostsBus === false ? "this image's pantavisor is built without it" : undefined;
}
