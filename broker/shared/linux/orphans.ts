import { libc } from "./libc.ts";

/**
 * Reaping for PID 1. Node waits only for children it started itself; a process whose parent
 * died is handed to PID 1 and would stay a zombie for ever.
 */
const P_ALL = 0;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x0100_0000;
/** siginfo_t on 64-bit Linux: si_pid follows three ints and padding. */
const SI_PID_OFFSET = 16;

const waitid = libc.func("int waitid(int type, int id, void *info, int options)");
const waitpid = libc.func("int waitpid(int pid, void *status, int options)");

/**
 * Reap dead children that are not in `own`. A zombie of `own` is left for Node, which must see its
 * exit status (WNOWAIT). It ends this round, since waitid(2) would return it again and again; later
 * rounds go on.
 */
export function reapOrphans(own: ReadonlySet<number>): void {
  for (;;) {
    const info = Buffer.alloc(128);
    if ((waitid(P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT) as number) === -1) return;
    const pid = info.readInt32LE(SI_PID_OFFSET);
    if (pid === 0 || own.has(pid)) return;
    waitpid(pid, null, WNOHANG);
  }
}
