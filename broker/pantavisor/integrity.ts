import { join } from "node:path";
import type { State } from "../shared/formats/state.ts";
import { STATE_SPEC } from "../shared/formats/state.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import type { AppengineConfig } from "./appengine-config.ts";
import { revisionFolder } from "./appengine-config.ts";
import type { LoadedRevision } from "./loaded-revision.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";
import type { SecurebootMode } from "./storage/secureboot/verify-state.ts";
import { verifyState } from "./storage/secureboot/verify-state.ts";
import { trustStoreOf } from "./storage/secureboot/trust.ts";
import { blockingDigest } from "./storage/blocking-digest.quirk.ts";
import { verifyObjects } from "./storage/verify-objects.ts";
import { leftToHandlers } from "./storage/verity-skipped.quirk.ts";

export interface IntegrityOptions {
  readonly config: AppengineConfig;
  readonly log: PantavisorLog;
  readonly quirks: Quirks;
  /** Files that this pantavisor has found good. */
  readonly good?: Set<string> | undefined;
}

/**
 * Verify the signatures of a state as PV_SECUREBOOT_MODE says.
 * @returns why it must not run
 */
export function unsignedState(
  { entries }: Pick<State, "entries">,
  { config, log, quirks }: IntegrityOptions,
): string | undefined {
  if (quirks.has("signatures-ignored")) return undefined;
  const get = (key: string): string => config.values.get(key)?.value ?? "";
  const mode = get("PV_SECUREBOOT_MODE") as SecurebootMode;
  const state = { "#spec": STATE_SPEC, ...Object.fromEntries(entries) };
  const trust = { ...trustStoreOf(get), oemLeavesOut: quirks.has("oem-leaves-out-bsp") };
  const { refusal, lines } = verifyState(state, mode, trust);
  for (const line of lines) log.write("ERROR", "signature", `(pv_signature_verify:1) ${line}`);
  if (mode !== "audit" || !quirks.has("audit-refuses")) return refusal;
  return verifyState(state, "lenient", trust).refusal;
}

/**
 * Verify a revision: its signatures, then its files.
 * @returns why it must not run
 */
export async function whyNotToRun(
  { revision, state }: Pick<LoadedRevision, "revision" | "state">,
  options: IntegrityOptions,
): Promise<string | undefined> {
  return unsignedState(state, options) ?? (await damagedRevision({ revision, state }, options));
}

/**
 * Compare the files of a revision with its state, unless PV_SECUREBOOT_CHECKSUM is off.
 * @returns why it must not run
 */
async function damagedRevision(
  { revision, state }: Pick<LoadedRevision, "revision" | "state">,
  { config, log, quirks, good = new Set() }: IntegrityOptions,
): Promise<string | undefined> {
  const isOn = config.values.get("PV_SECUREBOOT_CHECKSUM")?.value !== "0";
  if (!isOn || quirks.has("objects-unchecked")) return undefined;
  const entries = Object.fromEntries(state.entries);
  const wrong = await verifyObjects(entries, {
    revision: revisionFolder(config, revision),
    objects: join(config.storage, "objects"),
    good,
    skipped: quirks.has("verity-skipped") ? leftToHandlers(entries) : new Set(),
    ...(quirks.has("verify-blocks-ctrl") && { digest: blockingDigest }),
    debug: (line) => log.write("DEBUG", "state", `(pv_state_validate_checksum:1) ${line}`),
  });
  if (wrong === undefined) return undefined;
  log.write("ERROR", "state", `(pv_state_validate_checksum:1) ${wrong}`);
  return `Object validation went wrong: ${wrong}`;
}
