import { readFileSync } from "node:fs";
import type { ControlClient } from "../control/control-client.ts";
import { PvhError } from "../errors.ts";
import { until } from "../until.ts";
import type { PvTest } from "./pv-test.ts";

/** Name of the revision that the driver gives a test. */
export function revisionOf({ id }: PvTest): string {
  return `locals/${id.replaceAll(/[^\w.]/g, "_").slice(0, 64)}`;
}

/**
 * Whether a test reads revision 0: its driver has then installed the test's revision on a device that runs
 * another, and has not booted it as the first.
 */
export function readsFactory({ script, generation }: PvTest): boolean {
  return (
    generation === 2 && /\bsteps\s+(?:get|show-progress)\s+0\b/.test(readFileSync(script, "utf8"))
  );
}

/** Milliseconds that an update may take. */
const UPDATE_DEADLINE = 120_000;

/**
 * Run the revision of a test, which is that of the first boot under another name.
 * @throws PvhError PVH_BAD_TEST when it is refused, PVH_TIMEOUT
 */
export async function installRevision(
  test: PvTest,
  control: ControlClient,
  signal: AbortSignal,
): Promise<void> {
  const revision = revisionOf(test);
  const state = await control.send("GET", "/steps/0", { signal });
  const requests = [
    ["PUT", `/steps/${revision}`, state.body],
    ["POST", "/commands", JSON.stringify({ op: "LOCAL_RUN", payload: revision })],
  ] as const;
  for (const [method, path, body] of requests) {
    const reply = await control.send(method, path, { body, signal });
    if (reply.status === 200) continue;
    throw new PvhError("PVH_BAD_TEST", `${revision} is refused: ${reply.status} ${reply.body}`);
  }
  await until(
    `${revision} to run`,
    async () => {
      const meta = (await control.json("/device-meta", signal)) as Record<string, unknown>;
      return meta["pantavisor.revision"] === revision && meta["pantavisor.status"] === "READY";
    },
    { signal, timeout: UPDATE_DEADLINE },
  );
}
