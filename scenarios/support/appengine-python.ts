import type { Appengine } from "../../harness/appengine/appengine.ts";
import { pythonArgv } from "../../harness/appengine/python.ts";
import type { PythonProgram } from "../../harness/appengine/python.ts";
import { probesPackage } from "../../harness/exports/container-folder.ts";
import { shellQuote } from "../../harness/shell-quote.ts";

/** Folder of the appengine that is given the package `probes`; the containers have it anyway. */
const PACKAGES = "/tmp/pvh-python";

/**
 * Shell command that runs the program in the appengine itself, where it finds `probes`.
 * @throws PvhError PVH_COMMAND when the package cannot be written
 */
export async function appenginePython(
  appengine: Appengine,
  program: PythonProgram,
): Promise<string> {
  const files = await probesPackage();
  const writes = files.map(
    ({ path, content }) => `printf %s ${shellQuote(content.toString())} >${PACKAGES}/${path}`,
  );
  await appengine.text([`mkdir -p ${PACKAGES}/probes`, ...writes].join(" && "));
  return `env PYTHONPATH=${PACKAGES} ${pythonArgv(program).map(shellQuote).join(" ")}`;
}
