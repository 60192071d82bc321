import { until } from "../until.ts";
import type { Appengine } from "./appengine.ts";

/** Milliseconds in which it has to end, and to run again. */
const RESTART = 20_000;

/** Stop and start pv-xconnect through the API; another process runs then. */
export async function restartBroker({ control }: Appengine, signal: AbortSignal): Promise<void> {
  const pid = async (): Promise<number> =>
    (await control.daemons(signal)).find(({ name }) => name === "pv-xconnect")?.pid ?? 0;
  await control.actOnDaemon("pv-xconnect", "stop", signal);
  await until("pv-xconnect to end", async () => (await pid()) <= 0, { signal, timeout: RESTART });
  await control.actOnDaemon("pv-xconnect", "start", signal);
  await until("pv-xconnect to run again", async () => (await pid()) > 0, {
    signal,
    timeout: RESTART,
  });
}
