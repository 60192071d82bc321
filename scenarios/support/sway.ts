import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { expect } from "../../harness/facts/expect.ts";
import { Program } from "./program.ts";

/** Sway's socket in its container, and its log of each request that reaches it. */
export const SWAY_SOCKET = "/run/sway/wayland-1";
export const SWAY_LOG = "/run/sway/log";

/**
 * It refuses to run as root, and draws into files of /dev/shm, for which a container's /dev is too
 * small. One that an earlier check has left ends first.
 */
const START = `
  while pkill -x sway; do sleep 0.02; done
  ln -sfn /tmp /dev/shm; rm -rf /run/sway; mkdir -m 0700 /run/sway
  echo xwayland disable >/run/sway/config; chown -R 1001:1001 /run/sway
  setpriv --reuid 1001 --regid 1001 --clear-groups env \\
    XDG_RUNTIME_DIR=/run/sway WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1 \\
    WAYLAND_DEBUG=server sway -c /run/sway/config >${SWAY_LOG} 2>&1 &
  while kill -0 $! && ! test -S ${SWAY_SOCKET}; do sleep 0.02; done
  kill -0 $! && echo listens && wait
`;

/** Start sway, without a screen and without a keyboard, in a container with the root `wayland`. */
export async function startSway(container: InsideContainer): Promise<Program> {
  const program = await Program.start(container, ["sh", "-c", START], "sway");
  expect(await program.line(15_000), "first line of sway").toBe("listens");
  return program;
}
