import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { SystemCallError } from "../../shared/linux/errno.ts";
import { O_DIRECTORY, O_PATH } from "../../shared/linux/openat2.ts";
import { none } from "../../shared/quirks/quirks.ts";
import { ContainerRoot } from "./container-root.ts";
import { ANY_INODE, isInPlace, plantSocket, unplant } from "./injection.ts";
import type { PlantLedger, Planted } from "./injection.ts";

/** A root that fails with this errno for any path. */
function failing(errno: number): { open: () => number } {
  return {
    open: () => {
      throw new SystemCallError("openat2", errno);
    },
  };
}

describe("isInPlace", () => {
  const planted = ANY_INODE;

  it.each(["ENOENT", "ENOTDIR", "ELOOP"] as const)("is false when the path says %s", (code) => {
    expect(isInPlace(failing(constants.errno[code]), "/s", planted)).toBe(false);
  });

  it.each(["EMFILE", "ENFILE", "ENOMEM"] as const)(
    "does not take %s for a socket that was removed",
    (code) => {
      const look = () => isInPlace(failing(constants.errno[code]), "/s", planted);
      expect(look).toThrow(code);
    },
  );

  it("knows what was planted by its inode", () => {
    const directory = mkdtempSync(join(tmpdir(), "pvh-place-"));
    const file = join(directory, "s");
    writeFileSync(file, "");
    const { dev, ino, birthtimeNs } = statSync(file, { bigint: true });
    const root = { open: () => openSync(file, "r") };
    expect(isInPlace(root, "/s", { dev, ino, birthtimeNs })).toBe(true);
    expect(isInPlace(root, "/s", { dev, ino: ino + 1n, birthtimeNs })).toBe(false);
    rmSync(directory, { recursive: true });
  });
});

describe("plantSocket", () => {
  const directory = mkdtempSync(join(tmpdir(), "pvh-plant-"));
  const enter = () =>
    new ContainerRoot({ openRoot: () => openSync(directory, O_PATH | O_DIRECTORY) }, none);
  const inside = (path: string) => join(directory, path);

  afterAll(() => rmSync(directory, { recursive: true }));

  it("tells of each name before it is there, so that a kill leaves nothing unknown", () => {
    using root = enter();
    const told: { path: string; isThere: boolean; inode?: Planted }[] = [];
    const ledger: PlantLedger = {
      isPlanted: () => false,
      willUse: (path) => told.push({ path, isThere: existsSync(inside(path)) }),
      willPlant: (inode) => {
        told.push({ path: "/run/x.sock", isThere: existsSync(inside("/run/x.sock")), inode });
      },
    };
    const { fd, planted } = plantSocket(root, "/run/x.sock", { replaceLive: false, ledger });
    closeSync(fd);
    expect(told).toEqual([
      { path: expect.stringMatching(/^\/run\/\.pvx-/) as string, isThere: false },
      { path: "/run/x.sock", isThere: false, inode: planted },
    ]);
    expect(isInPlace(root, "/run/x.sock", planted)).toBe(true);
    expect(readdirSync(inside("/run"))).toEqual(["x.sock"]);
  });

  it("leaves alone what has taken the place of a removed socket, also with its inode number", () => {
    using root = enter();
    const ledger = { isPlanted: () => false, willUse: () => undefined, willPlant: () => undefined };
    const { fd, planted } = plantSocket(root, "/reused.sock", { replaceLive: false, ledger });
    closeSync(fd);
    // ext4 reuses a free inode number at once. Repeat until the coarse clock gives another birth
    // time.
    const born = () => statSync(inside("/reused.sock"), { bigint: true }).birthtimeNs;
    do {
      rmSync(inside("/reused.sock"));
      writeFileSync(inside("/reused.sock"), "its own");
    } while (born() === planted.birthtimeNs);
    expect(isInPlace(root, "/reused.sock", planted)).toBe(false);
    unplant(root, "/reused.sock", planted);
    expect(readFileSync(inside("/reused.sock"), "utf8")).toBe("its own");
  });

  it("can be taken back half-made, by its own name alone", () => {
    using root = enter();
    mkdirSync(inside("/half"));
    writeFileSync(inside("/half/.pvx-1"), "");
    writeFileSync(inside("/half/x"), "");
    unplant(root, "/half/.pvx-1", ANY_INODE);
    unplant(root, "/half/.pvx-2", ANY_INODE);
    expect(readdirSync(inside("/half"))).toEqual(["x"]);
  });
});
