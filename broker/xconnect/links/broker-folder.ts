import { lstatSync, mkdirSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { BROKER_FOLDER, brokerFiles } from "../../shared/formats/broker-status.ts";
import type { BrokerFiles } from "../../shared/formats/broker-status.ts";

/**
 * Paths of the files of the broker of a pv-ctrl socket. Their folder belongs to the broker alone,
 * and no mount of a container shows it: a lock beside pv-ctrl could be held by any container that
 * sees pv-ctrl.
 *
 * @throws Error when the folder cannot be made, or belongs to another user
 */
export function openBrokerFolder(ctrl: string): BrokerFiles {
  try {
    mkdirSync(BROKER_FOLDER, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const facts = lstatSync(BROKER_FOLDER);
  if (!facts.isDirectory() || facts.uid !== process.geteuid?.() || (facts.mode & 0o077) !== 0) {
    throw new Error(`${BROKER_FOLDER} must be a directory of this user alone (mode 0700)`);
  }
  const { lock, status, planted } = brokerFiles(realPath(ctrl));
  const inside = (name: string) => join(BROKER_FOLDER, name);
  return { lock: inside(lock), status: inside(status), planted: inside(planted) };
}

/** The real path of a socket that need not exist yet. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return join(realParent(path), basename(path));
  }
}

function realParent(path: string): string {
  try {
    return realpathSync(dirname(path));
  } catch {
    return dirname(path);
  }
}
