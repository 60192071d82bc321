import type { Appengine } from "../appengine/appengine.ts";
import { shellQuote } from "../shell-quote.ts";

/**
 * The machine on which a test of the second generation runs. There it is not the appengine, which it reaches
 * over ssh: it has a /tmp of its own, and the files that pvcontrol, pvcurl and pventer name are the
 * appengine's. Here it is a mount namespace of the appengine.
 */

/** Tools that the driver runs over ssh, and so through a terminal: what they say of errors is output. */
const REMOTE_TOOLS = ["pvcontrol", "pvcurl", "pventer"];
const FOLDER = "/usr/share/pantavisor/pvtest/remote";
/** PVTEST_EXEC of the format: a shell of the appengine runs its words as one line. */
const EXEC = "/usr/share/pantavisor/pvtest/exec";
const DEVICE =
  'exec env -u PVTEST_EXEC PATH="${PATH#' + FOLDER + ':}" nsenter --mount=/proc/1/ns/mnt';

/** Each remote tool stands first in the search path, and runs the image's own, which is behind it there. */
export async function plantTester(appengine: Appengine, signal: AbortSignal): Promise<void> {
  const plant = REMOTE_TOOLS.map((tool) =>
    write(`${FOLDER}/${tool}`, `${DEVICE} ${tool} "$@" 2>&1`),
  );
  const lines = [`mkdir -p ${FOLDER}`, ...plant, write(EXEC, `${DEVICE} sh -c "$*" 2>&1`)];
  await appengine.text([...lines, `chmod +x ${EXEC} ${FOLDER}/*`].join("\n"), { signal });
}

/** The command that runs `command` as the test machine would. */
export function onTester(command: string): string {
  const script = `mount -t tmpfs tmpfs /tmp && export PVTEST_EXEC=${EXEC} PATH=${FOLDER}:$PATH && exec ${command}`;
  return `exec unshare --mount sh -c ${shellQuote(script)}`;
}

function write(path: string, line: string): string {
  return `printf '%s\\n' '#!/bin/sh' ${shellQuote(line)} >${path}`;
}
