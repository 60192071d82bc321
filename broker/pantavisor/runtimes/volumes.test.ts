import { expect, it } from "vitest";
import { mountsBelow } from "./volumes.ts";

const MOUNTINFO = `36 35 98:0 / / rw - overlay overlay rw
40 36 7:0 / /volumes/c/root.squashfs ro - squashfs /dev/loop0 ro
41 36 0:5 / /volumes/c/lxc-overlay rw - tmpfs none rw
42 36 0:6 / /volumes/c/lxc-overlay/with\\040blank rw - tmpfs none rw
43 36 0:7 / /volumes/cc/lxc-overlay rw - tmpfs none rw
`;

it("mounts below a folder come innermost first, with their real names", () => {
  expect(mountsBelow("/volumes/c", MOUNTINFO)).toEqual([
    "/volumes/c/lxc-overlay/with blank",
    "/volumes/c/lxc-overlay",
    "/volumes/c/root.squashfs",
  ]);
});
