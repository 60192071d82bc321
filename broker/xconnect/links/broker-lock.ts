import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { tryLock } from "../../shared/linux/flock.ts";

/**
 * Take the lock of a pv-ctrl socket, which makes its holder the one broker of that socket. The
 * kernel releases the lock when the process ends in any way; an orderly end also removes the file.
 *
 * @param path from openBrokerFolder()
 * @returns the lock, or the pid of the broker that holds it (0 when it has not written its pid yet)
 * @throws Error when the file cannot be made
 */
export function takeBrokerLock(path: string): Disposable | { readonly heldBy: number } {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  for (;;) {
    const fd = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
    if (!tryLock(fd)) {
      const heldBy = Number.parseInt(readFileSync(fd, "latin1"), 10);
      closeSync(fd);
      return { heldBy: Number.isNaN(heldBy) ? 0 : heldBy };
    }
    if (isNamed(path, fd)) {
      ftruncateSync(fd);
      writeSync(fd, `${process.pid}\n`, 0);
      return {
        [Symbol.dispose]: () => {
          unlinkSync(path);
          closeSync(fd);
        },
      };
    }
    // The holder removed this file between our open and our lock: lock the file that is there now.
    closeSync(fd);
  }
}

function isNamed(path: string, fd: number): boolean {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  return facts !== undefined && facts.ino === fstatSync(fd).ino;
}
