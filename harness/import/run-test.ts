import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BootStage, Verdict } from "../../reports/events.ts";
import { AppengineContainer } from "../appengine/appengine-container.ts";
import type { Appengine } from "../appengine/appengine.ts";
import type { StartedAppengineContainer } from "../appengine/started-appengine-container.ts";
import type { Engine } from "../engine/engine.ts";
import { PvhError } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";
import { shellQuote } from "../shell-quote.ts";
import { compareGolden, filterOutput } from "./compare-golden.ts";
import { expiredSigner } from "./expired-signer.ts";
import type { PvTest } from "./pv-test.ts";
import type { ProgramFile } from "./test-files.ts";
import { packTestFiles, WORK } from "./test-files.ts";
import { installRevision, readsFactory, revisionOf } from "./test-revision.ts";
import { onTester, plantTester } from "./tester.ts";
import { neededPrograms, stageTarballs, whySkipped } from "./why-skipped.ts";

export interface TestOptions {
  readonly engine: Engine;
  /** Image to boot. */
  readonly image: string;
  readonly quirks: readonly string[];
  readonly signal: AbortSignal;
  /** Further folders of tarballs. */
  readonly tarballs: readonly string[];
  /** Programs that the appengine gets besides those of its image. */
  readonly files: readonly ProgramFile[];
  readonly normalise: boolean;
  /** Write the output as the new golden. */
  readonly record: boolean;
  /** Milliseconds for a test's script. */
  readonly deadline: number;
  readonly onStage: (stage: BootStage, ms: number, ok: boolean, detail?: string) => void;
}

export interface TestOutcome {
  readonly verdict: Verdict;
  readonly reason?: string;
  /** The difference, in a line. */
  readonly difference?: string;
}

/** Words of pantavisor's command line that the second generation's own driver gives. */
const CMDLINE = "ph_metadata.devmeta.interval=15";

/** Variables that the format's own driver sets; in the second generation a revision has its test's name. */
function driverVariables(test: PvTest): Readonly<Record<string, string>> {
  const outputs = { PV_LOG_SERVER_OUTPUTS: "filetree,stdout_direct" };
  return test.generation === 1
    ? outputs
    : {
        ...outputs,
        PV_DEBUG_SSH: "1",
        PV_DEBUG_SSH_AUTHORIZED_KEYS: "pvtest-authorized_keys",
        ...(!readsFactory(test) && { PV_APPENGINE_INITIAL_REV: revisionOf(test) }),
      };
}

/** The format's own limit for a script. */
export const TEST_DEADLINE = 600_000;
const READY_DEADLINE = 120_000;
const LARGEST_GOLDEN = 8 << 20;
const UTILS = ["/usr/share/pantavisor/pvtest/utils", `${WORK}/scripts/utils`];
const SCRIPT = `${WORK}/pv-test`;
const STARTER = `${WORK}/pv-test.sh`;
/** Trace line of the format's driver for the first generation, inserted where it inserts it. */
const TRACE = "export PS4='[pvtest] $(date +%s) DEBUG -- [test-script]: '; set -x";

function cmdlineOf({ generation, cmdline }: PvTest): string {
  return generation === 1 ? cmdline : `${CMDLINE} ${cmdline}`.trim();
}

/**
 * Boot an appengine for a test, run its script, and compare.
 *
 * @param folder gets test.log, output, diff, and the appengine's logs of a failure
 * @throws PvhError PVH_BAD_TEST, what a boot throws, PVH_TIMEOUT for a script that hangs, PVH_TOO_MUCH
 * for one that writes without end
 */
export async function runTest(
  test: PvTest,
  folder: string,
  options: TestOptions,
): Promise<TestOutcome> {
  const staged = stageTarballs(test, options.tarballs);
  const skipped =
    whySkipped(test, staged) ??
    (await expiredSigner(test, staged.paths, Date.now(), options.signal));
  if (skipped !== undefined) return { verdict: "skipped", reason: skipped };
  const golden = options.record ? "" : readGolden(test);
  makeFolder(folder);
  const { signal, quirks } = options;
  const ignored = quirks.includes("import-setup-ignored");
  const container = new AppengineContainer(options.image)
    .withEngine(options.engine)
    .withExports(...staged.paths)
    .withQuirks(...quirks)
    .withEnvironment(ignored ? {} : { ...driverVariables(test), ...test.environment })
    .withCmdline(ignored ? "" : cmdlineOf(test))
    .withCopyArchivesToContainer([{ tar: await packTestFiles(test, options.files), target: "/" }]);
  const started = await container.start({
    signal,
    until: "ready",
    evidence: folder,
    onStage: options.onStage,
  });
  try {
    const outcome = await inAppengine(test, golden, folder, started, options);
    if (outcome.verdict === "failed") await started.collectEvidence(folder);
    return outcome;
  } catch (error) {
    await started.collectEvidence(folder);
    throw error;
  } finally {
    // A script's processes end with the container.
    await started.stop();
  }
}

async function inAppengine(
  test: PvTest,
  golden: string,
  folder: string,
  { appengine, control }: StartedAppengineContainer,
  options: TestOptions,
): Promise<TestOutcome> {
  const { signal, quirks } = options;
  const lacking = await missingPrograms(appengine, test, signal);
  if (lacking.length > 0) {
    const hint = lacking.includes("pvr") ? " (--pvr FILE brings it)" : "";
    return { verdict: "skipped", reason: `the image lacks ${lacking.join(", ")}${hint}` };
  }
  await plantUtils(appengine, signal);
  if (readsFactory(test)) await installRevision(test, control, signal);
  const isRemote = test.generation === 2 && !quirks.includes("import-one-machine");
  if (isRemote) await plantTester(appengine, signal);
  for (const [key, value] of Object.entries(test.userMeta)) {
    const { status } = await control.send("PUT", `/user-meta/${key}`, { body: value, signal });
    if (status !== 200) throw new PvhError("PVH_BAD_TEST", `usrmeta ${key} is refused: ${status}`);
  }
  const shell = "$(command -v bash || echo sh)";
  if (test.readyScript !== undefined) {
    const path = inside(test, test.readyScript);
    await appengine.text(`${shell} ${path}`, { signal, timeout: READY_DEADLINE });
  }
  const script = readFileSync(test.script, "utf8").split("\n");
  if (test.generation === 1 && script.length >= 5) script.splice(4, 0, TRACE);
  const merged = test.generation === 1 || quirks.includes("import-stderr-compared");
  const run = `${shell} ${SCRIPT}`;
  const starter = `cd ${shellQuote(`${WORK}/${test.id}`)} && ${isRemote ? onTester(run) : `exec ${run}`} </dev/null${merged ? " 2>&1" : ""}`;
  await appengine.text(
    `printf %s ${shellQuote(script.join("\n"))} >${SCRIPT}; printf %s ${shellQuote(starter)} >${STARTER}`,
    { signal },
  );
  const command = `sh ${STARTER}`;
  const { exitCode, stdout, stderr } = await appengine
    .sh(command, { signal, timeout: options.deadline })
    .catch((error: unknown) => {
      throw error instanceof PvhError ? named(error, command, test) : error;
    });
  writeFileSync(join(folder, "test.log"), `${stdout}${stderr}exit ${exitCode}\n`);
  if (options.record) {
    record(test, filterOutput(stdout, test.generation));
    return { verdict: "passed" };
  }
  const { isSame, diff } = compareGolden(golden, stdout, {
    generation: test.generation,
    normalise: options.normalise,
  });
  if (isSame) return { verdict: "passed" };
  writeFileSync(join(folder, "output"), filterOutput(stdout, test.generation));
  writeFileSync(join(folder, "diff"), diff);
  return { verdict: "failed", difference: firstDifference(diff) };
}

/** The error of a script that hangs or floods, with its name in place of the command. */
function named({ code, message, cause }: PvhError, command: string, test: PvTest): PvhError {
  const script = test.script.slice(test.folder.length + 1);
  return new PvhError(code, message.replace(command, script), { cause });
}

async function missingPrograms(
  appengine: Appengine,
  test: PvTest,
  signal: AbortSignal,
): Promise<string[]> {
  const names = neededPrograms(test);
  if (names.length === 0) return [];
  const ask = names.map((name) => `command -v ${name} >/dev/null || echo ${name}`).join("; ");
  const { stdout } = await appengine.sh(ask, { signal });
  return stdout.split("\n").filter((name) => name !== "");
}

/** An image of the format's own driver has its functions; another gets ours. */
async function plantUtils(appengine: Appengine, signal: AbortSignal): Promise<void> {
  const text = readFileSync(join(import.meta.dirname, "utils.sh"), "utf8");
  const plant = UTILS.map(
    (path) =>
      `[ -e ${path} ] || { mkdir -p ${path.slice(0, path.lastIndexOf("/"))}; printf %s ${shellQuote(text)} >${path}; }`,
  );
  const environment =
    "[ -e /opt/pantavisor/set_env ] || { mkdir -p /opt/pantavisor; : >/opt/pantavisor/set_env; }";
  await appengine.text([...plant, environment].join("\n"), { signal });
}

function inside(test: PvTest, path: string): string {
  return shellQuote(`${WORK}/${test.id}/${path.slice(test.folder.length + 1)}`);
}

function readGolden(test: PvTest): string {
  const facts = statSync(test.golden, { throwIfNoEntry: false });
  if (facts?.isFile() === true && facts.size <= LARGEST_GOLDEN) {
    return readFileSync(test.golden, "utf8");
  }
  throw new PvhError(
    "PVH_BAD_TEST",
    `${test.golden} is no file of at most ${LARGEST_GOLDEN} bytes`,
    {
      hint: "--record writes it",
    },
  );
}

/** The file is the former or the new one, never a half. */
function record(test: PvTest, text: string): void {
  const part = `${test.golden}.part`;
  writeFileSync(part, text);
  renameSync(part, test.golden);
}

function firstDifference(diff: string): string {
  const lines = diff.split("\n");
  const [, at = "?"] = /^@@ -(\d+)/m.exec(diff) ?? [];
  const of = (sign: string, header: string): string =>
    lines.find((line) => line.startsWith(sign) && !line.startsWith(header))?.slice(1, 200) ?? "";
  const removed = lines.filter((line) => line.startsWith("-") && !line.startsWith("---")).length;
  const added = lines.filter((line) => line.startsWith("+") && !line.startsWith("+++")).length;
  return (
    `${removed} lines of the golden are missing and ${added} are new, from line ${at}: ` +
    `wanted ${JSON.stringify(of("-", "---"))}, got ${JSON.stringify(of("+", "+++"))}`
  );
}
