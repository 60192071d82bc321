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
import { tryLock } from "../linux/flock.ts";

/**
 * One broker owns a pv-ctrl socket: the one that holds this lock. The kernel lets go of it when
 * the process ends, however it ends; an orderly end removes the file too.
 *
 * @param path from openBrokerFolder()
 * @returns the lock, or the pid of the broker that has it (0 when it has not written it yet)
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
    // Its owner removed the file between our open and our lock: lock the one that is there now.
    closeSync(fd);
  }
}

function isNamed(path: string, fd: number): boolean {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  return facts !== undefined && facts.ino === fstatSync(fd).ino;
}
