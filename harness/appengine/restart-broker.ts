import { until } from "../until.ts";
import type { Appengine } from "./appengine.ts";

/** Milliseconds in which it has to run again. */
const RESTART = 20_000;

/** Stop and start pv-xconnect through the API; another process runs then. */
export async function restartBroker({ control }: Appengine, signal: AbortSignal): Promise<void> {
  const pid = async (): Promise<number> =>
    (await control.daemons(signal)).find(({ name }) => name === "pv-xconnect")?.pid ?? 0;
  const before = await pid();
  for (const action of ["stop", "start"] as const) {
    await control.actOnDaemon("pv-xconnect", action, signal);
  }
  await until(
    "pv-xconnect to run again",
    async () => {
      const now = await pid();
      return now > 0 && now !== before;
    },
    { signal, timeout: RESTART },
  );
}
