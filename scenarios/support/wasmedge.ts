import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { WASMEDGE } from "../../harness/run/find-wasmedge.ts";

/** Libraries of an appengine; a container of type wasm sees them too. */
const LIBRARIES = "/usr/lib";

/** Put WasmEdge's library into an appengine, with the libraries it needs that are not there. */
export async function installWasmEdge(
  appengine: Appengine,
  library: string,
  signal: AbortSignal,
): Promise<void> {
  const { stdout } = await promisify(execFile)("ldd", [library], { signal });
  const needed = [...stdout.matchAll(/=> (\/\S+)/g)].map(([, path = ""]) => path);
  const files = [[library, WASMEDGE], ...needed.map((path) => [path, basename(path)])] as const;
  for (const [path = "", name = ""] of files) {
    const found = `find /lib/ ${LIBRARIES}/ -name ${name} | grep -q .`;
    if ((await appengine.sh(found, { signal })).exitCode === 0) continue;
    const stream = await appengine.stream(["sh", "-c", `cat >${LIBRARIES}/${name}`]);
    await pipeline(createReadStream(path), stream, { signal });
    await stream.exitCode();
  }
}
