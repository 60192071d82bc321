import { enterArgv, findInit } from "../appengine/container-init.ts";
import { findHeld, ourContainers } from "../appengine/held.ts";
import type { Appengine } from "../appengine/appengine.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { PvhError } from "../errors.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import type { Call } from "./command.ts";

/**
 * `pvh enter [appengine] [container]`: a shell on this terminal, in a container of a held appengine, or in
 * the appengine itself. One word is an appengine where there is one of that name. It ends with the shell's
 * exit status.
 */
export async function enterCommand({ args, out, signal }: Call): Promise<ExitCode> {
  const { stdin: input, stdout: output } = process;
  if (!input.isTTY || !output.isTTY) {
    throw new PvhError("PVH_USAGE", "pvh enter needs a terminal", {
      hint: "pvh exec runs a command without one",
    });
  }
  const engine = await findCleanEngine({ signal, progress: (line) => out.say(line) });
  const [first, second] = args.words;
  const isAppengine =
    second !== undefined || (await ourContainers(engine)).some(({ name }) => name === first);
  const appengine = await findHeld(engine, isAppengine ? first : undefined);
  const argv = await shellArgv(appengine, isAppengine ? second : first);
  const status = await appengine.onTerminal(argv, { input, output });
  await appengine.close();
  return status as ExitCode;
}

const SHELL = ["/bin/sh", "-i"];

/** @throws PvhError PVH_NO_CONTAINER, PVH_CONTAINER_DOWN */
async function shellArgv(appengine: Appengine, container: string | undefined): Promise<string[]> {
  if (container === undefined) return SHELL;
  const init = await findInit(appengine, container);
  if (init !== undefined) {
    const joined = enterArgv(init, SHELL, { terminal: true });
    return ["sh", "-c", ATTACH, "pvh-enter", container, ...joined];
  }
  throw (
    (await appengine.inside(container).whyDown()) ??
    new PvhError("PVH_CONTAINER_DOWN", `container '${container}' has no init process`)
  );
}

/**
 * lxc-attach gives the shell a terminal of the container's own, which tty(1) finds there. Without it, and
 * for a container that is not LXC's, the shell has the appengine's terminal.
 */
const ATTACH = `
  PATH="$PATH:/usr/libexec/pantavisor" name=$1; shift
  lxc-attach -n "$name" -- /bin/sh -c : </dev/null >/dev/null 2>&1 &&
    exec lxc-attach -n "$name" -- ${SHELL.join(" ")}
  exec "$@"`;
