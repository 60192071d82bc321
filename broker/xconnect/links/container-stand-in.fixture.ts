import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * For tests: a process with a mount namespace and a root of its own, which to the broker looks like
 * a container's init. Needs root and util-linux.
 */
export class ContainerStandIn {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #directory: string;

  private constructor(process: ChildProcess, pid: number, directory: string) {
    this.#process = process;
    this.pid = pid;
    this.#directory = directory;
  }

  /** @param ownUsers give it a user namespace of its own, in which it is root */
  static async start({ ownUsers = false } = {}): Promise<ContainerStandIn> {
    const directory = mkdtempSync(join(tmpdir(), "pvh-container-"));
    const child = spawn(
      "unshare",
      [
        ...(ownUsers ? ["--map-root-user"] : []),
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-ec",
        SCRIPT,
        "sh",
        directory,
      ],
      // It reads its standard input, so it ends when the test process ends in any way.
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
    if (child.pid === undefined || child.exitCode !== null) throw new Error("unshare failed");
    return new ContainerStandIn(child, child.pid, directory);
  }

  /** A path inside the container, as the test can open it. */
  path(inside: string): string {
    return `/proc/${this.pid}/root${inside}`;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = once(this.#process, "exit");
      this.#process.kill("SIGKILL");
      await exited;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Script that makes a tmpfs root with the machine's programs, a read-only and a nodev mount. */
const SCRIPT = `
mount -t tmpfs -o mode=755,dev pvh "$1"
cd "$1"
mkdir -p usr run dev etc proc readonly nodev
mount --bind /usr usr
for name in bin sbin lib lib64; do ln -s usr/$name $name; done
mount -t tmpfs -o ro pvh readonly
mount -t tmpfs -o nodev pvh nodev
exec chroot . /bin/sh -c 'echo ready; exec cat'
`;
