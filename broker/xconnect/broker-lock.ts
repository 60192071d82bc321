import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { constants } from "node:fs";
import { tryLock } from "../linux/flock.ts";

/**
 * One broker owns a pv-ctrl socket: the one that holds the lock of `<ctrl>.xconnect.lock`.
 * The kernel lets go of it when the process ends, however it ends; the file stays.
 *
 * @returns the lock, or the pid of the broker that has it (0 when it has not written it yet)
 * @throws Error when the file cannot be made
 */
export function takeBrokerLock(ctrl: string): Disposable | { readonly heldBy: number } {
  const path = `${ctrl}.xconnect.lock`;
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  if (!tryLock(fd)) {
    const heldBy = Number.parseInt(readFileSync(fd, "latin1"), 10);
    closeSync(fd);
    return { heldBy: Number.isNaN(heldBy) ? 0 : heldBy };
  }
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`, 0);
  return { [Symbol.dispose]: () => closeSync(fd) };
}
