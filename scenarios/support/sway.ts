import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { until } from "../../harness/until.ts";
import { Program } from "./program.ts";

/** Sway's socket in its container, and its log of each request that reaches it. */
export const SWAY_SOCKET = "/run/sway/wayland-1";
export const SWAY_LOG = "/run/sway/log";

/** It refuses to run as root, and draws into files of /dev/shm, for which a container's /dev is too small. */
const START = `
  ln -sfn /tmp /dev/shm && mkdir -m 0700 /run/sway && echo xwayland disable >/run/sway/config
  chown -R 1001:1001 /run/sway && exec setpriv --reuid 1001 --regid 1001 --clear-groups env \\
    XDG_RUNTIME_DIR=/run/sway WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1 \\
    WAYLAND_DEBUG=server sway -c /run/sway/config >${SWAY_LOG} 2>&1
`;

/** Start sway, without a screen and without a keyboard, in a container with the root `wayland`. */
export async function startSway(container: InsideContainer, signal: AbortSignal): Promise<Program> {
  const program = await Program.start(container, ["sh", "-c", START], "sway");
  const hasSocket = async () => (await container.sh(`test -S ${SWAY_SOCKET}`)).exitCode === 0;
  await until("sway's socket", hasSocket, { signal, timeout: 15_000 });
  return program;
}
