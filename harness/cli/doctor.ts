import type { Engine } from "../engine/engine.ts";
import { shownAddress } from "../engine/engine.ts";
import { checkRights } from "../engine/engine-rights.ts";
import { cacheFolder, engineFolder } from "../engine/folders.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import {
  checkCapabilities,
  checkCgroups,
  checkDisk,
  checkFilesystem,
  checkLoop,
} from "../engine/machine-checks.ts";
import type { Finding } from "../engine/machine-checks.ts";
import { canStartPrivateEngine } from "../engine/private-engine.ts";
import { missingCapabilities, missingOnEngine } from "../engine/privilege-profile.ts";
import { findProgram } from "../engine/programs.ts";
import { PvhError } from "../errors.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { builderPlace, PLACES } from "../image/rootfs-builder.ts";
import { pinnedNode } from "../package-folder.ts";
import { MODULE } from "../root.ts";
import type { Call } from "./command.ts";

/** `pvh doctor`: whether this machine can run appengines; exit 3 when something is missing. */
export async function doctorCommand({ args, out, signal }: Call): Promise<ExitCode> {
  const [engine, finding] = await lookForEngine(signal, (line) => out.say(line));
  const findings = [
    finding,
    ...(engine?.kind === undefined ? [] : [checkRights(engine.kind)]),
    ...kernelFindings(engine),
    checkDisk("disk: cache", cacheFolder(), 1.5e9),
    ...(engine === undefined || engine.origin === "private"
      ? [checkDisk("disk: engine", engineFolder(), 2e9)]
      : []),
    checkLimits(engine),
    checkNode(),
    checkBuilder(engine),
    // Only a clone has the tests that use it.
    ...(MODULE === ".ts" ? [checkBrowser()] : []),
  ];
  out.data(
    args.flag("json") ? JSON.stringify(findings, undefined, 2) : findings.map(show).join("\n"),
  );
  return findings.every(({ ok }) => ok) ? EXIT.pass : EXIT.infra;
}

/** Starts no engine: the check passes when root could start a private one. */
async function lookForEngine(
  signal: AbortSignal,
  progress: (line: string) => void,
): Promise<[Engine | undefined, Finding]> {
  const name = "engine";
  try {
    const engine = await findCleanEngine({ signal, progress, start: false });
    const { origin, version, apiVersion } = engine;
    const found = `${origin}: ${version}, API ${apiVersion}, ${shownAddress(engine)}`;
    return [engine, { name, ok: true, found }];
  } catch (error) {
    if (!(error instanceof PvhError) || error.code === "PVH_ABORTED") throw error;
    if (error.code === "PVH_ENGINE_UNREACHABLE" && canStartPrivateEngine() && !namesEngine()) {
      const found = "none runs; pvh starts a private dockerd when it needs one";
      return [undefined, { name, ok: true, found }];
    }
    const fix = error.hint === undefined ? {} : { fix: error.hint };
    const means = "no appengine can be booted";
    return [undefined, { name, ok: false, found: error.message, means, ...fix }];
  }
}

function namesEngine(): boolean {
  return (process.env["DOCKER_HOST"] ?? "") !== "";
}

function kernelFindings(engine: Engine | undefined): Finding[] {
  if (engine?.sameMachine === false) {
    return [{ name: "kernel", ok: true, found: "not checked: the engine runs on another machine" }];
  }
  const missing = missingCapabilities();
  return [
    checkCgroups(),
    checkCapabilities(engine === undefined ? missing : missingOnEngine(missing)),
    checkLoop(),
    checkFilesystem("overlay"),
    checkFilesystem("squashfs"),
  ];
}

function checkLimits(engine: Engine | undefined): Finding {
  const unlimited = engine?.cannotLimit ?? [];
  const kept = ["memory", "pids", "log"].filter((limit) => !unlimited.includes(limit)).join(", ");
  const lacking =
    unlimited.length === 0 ? "" : `; this engine cannot limit ${unlimited.join(", ")}`;
  return { name: "limits", ok: true, found: `of ${kept}${lacking}` };
}

function checkNode(): Finding {
  const name = "pinned node";
  const found = `${process.version} at ${process.execPath}`;
  if (process.execPath === whereIs(pinnedNode)) return { name, ok: true, found };
  const means = "pvh and the appengine may behave differently";
  return { name, ok: false, found, means, fix: "start pvh with npx pvh, which uses its own Node" };
}

/** @returns undefined for a package that is not installed */
function whereIs(find: () => string): string | undefined {
  try {
    return find();
  } catch {
    return undefined;
  }
}

function checkBuilder(engine: Engine | undefined): Finding {
  const name = "mmdebstrap";
  const place = builderPlace(engine ?? { sameMachine: false });
  if (place === "here") return { name, ok: true, found: "on this machine" };
  const found = `pvh build makes the image ${PLACES[place]}`;
  if (engine !== undefined) return { name, ok: true, found };
  const isRoot = process.getuid?.() === 0;
  const fix = isRoot
    ? "apt-get update && apt-get install -y mmdebstrap debian-archive-keyring"
    : "start a Docker engine that this user may use";
  const means = isRoot ? "that needs an engine, or mmdebstrap here" : "that needs an engine";
  return { name, ok: false, found, means, fix };
}

/** Only tests of pvh itself need one. */
function checkBrowser(): Finding {
  const isHere = findProgram("chromium") !== undefined;
  const missing = "not here: tests of report.html are skipped; npm run test-tools";
  return { name: "chromium", ok: true, found: isHere ? "on this machine" : missing };
}

function show({ name, ok, found, means, fix }: Finding): string {
  const lines = [`${ok ? "ok      " : "PROBLEM "} ${name.padEnd(14)} ${found}`];
  if (means !== undefined) lines.push(`           it means: ${means}`);
  if (fix !== undefined) lines.push(`           fix: ${fix}`);
  return lines.join("\n");
}
