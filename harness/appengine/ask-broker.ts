import {
  brokerFiles,
  BROKER_FOLDER,
  brokerStatus,
} from "../../broker/shared/formats/broker-status.ts";
import type { BrokerStatus } from "../../broker/shared/formats/broker-status.ts";
import type { AppengineShell } from "./appengine-shell.ts";
import { CONTROL_SOCKET } from "./layout.ts";

/**
 * Status of the reference broker and its links, as it tells them.
 * @returns undefined where it has no status socket: it is not ours, or does not run
 */
export async function askBroker(
  appengine: AppengineShell,
  signal: AbortSignal,
): Promise<BrokerStatus | undefined> {
  const path = `${BROKER_FOLDER}/${brokerFiles(CONTROL_SOCKET).status}`;
  const { stdout } = await appengine.sh(`nc -U ${path} </dev/null 2>/dev/null; :`, {
    signal,
    timeout: 5_000,
  });
  try {
    return brokerStatus.parse(JSON.parse(stdout));
  } catch {
    return undefined;
  }
}
