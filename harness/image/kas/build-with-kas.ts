import { appendFileSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownerLabels } from "../../engine/labels.ts";
import type { Engine } from "../../engine/engine.ts";
import { PvhError } from "../../errors.ts";
import { deployedExports, imageTarballs } from "../../layer/deployed.ts";
import { Checkout } from "../../layer/checkout.ts";
import { makeFolder } from "../../make-folder.ts";
import { machineError } from "../../machine-error.ts";
import { loadImageTarball } from "../load-image.ts";
import type { LoadedImage } from "../load-image.ts";
import { ContainerEngine } from "./container-engine.ts";
import { kasPlan } from "./kas-plan.ts";
import type { KasPlan, KasWish } from "./kas-plan.ts";
import { runKas } from "./run-kas.ts";
import type { KasResult } from "./run-kas.ts";
import { sourceRevisions } from "./source-revisions.ts";
import type { SourceRevision } from "./source-revisions.ts";

export interface KasBuildOptions {
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
  /** Folder of the log and the record. */
  readonly folder: string;
  /** Engine that gets the image. Called before the build: two hours later would be late. */
  readonly engine: () => Promise<Engine>;
  readonly quirks?: readonly string[];
  /** Milliseconds without output after which that is said. */
  readonly silence?: number;
}

/** Result of a build, as it is recorded in build.json. */
export interface KasBuild {
  readonly machine: string;
  readonly configs: readonly string[];
  readonly targets: readonly string[];
  readonly image: LoadedImage | undefined;
  /** Absolute paths. */
  readonly tarball: string | undefined;
  readonly exports: readonly string[];
  readonly sources: readonly SourceRevision[];
  readonly tasks: number;
  readonly log: string;
}

/** Bytes below which a build is likely to fill the disk. */
const LITTLE = 20e9;

/**
 * Build with kas in a checkout of meta-pantavisor, load the appengine's image, and record what it
 * was made of.
 *
 * @throws PvhError PVH_USAGE, PVH_CAPABILITY, PVH_ENGINE_UNREACHABLE before the build; PVH_KAS_BUILD
 * with bitbake's own words, PVH_NO_SPACE, PVH_ABORTED; each names the log
 */
export async function buildWithKas(
  root: string,
  wish: KasWish,
  options: KasBuildOptions,
): Promise<KasBuild> {
  const { progress, folder } = options;
  makeFolder(folder);
  const log = join(folder, "build.log");
  const note = (line: string): void => {
    progress(line);
    appendFileSync(log, `pvh: ${line}\n`);
  };
  try {
    const checkout = new Checkout(root);
    const plan = kasPlan(checkout, wish);
    const client = await ContainerEngine.find();
    const engine = plan.makesImage ? await options.engine() : undefined;
    const sources = await sourceRevisions(checkout, plan);
    warn(checkout, sources, note);
    note(`kas-container build ${plan.configs.join(":")} ${plan.targets.join(" ")}`.trim());
    const result = await runKas(checkout.root, plan, {
      ...options,
      log,
      engine: client,
      container: `pvh-kas-${crypto.randomUUID().slice(0, 8)}`,
      labels: ownerLabels({ run: "", held: false }),
    });
    judge(checkout, result, options);
    const found = await findResults(new Checkout(root), plan, engine, options);
    const build = {
      machine: plan.machine,
      configs: plan.configs,
      targets: plan.targets,
      ...found,
      sources,
      tasks: result.output.total,
      log,
    };
    writeFileSync(join(folder, "build.json"), `${JSON.stringify(build, null, 2)}\n`);
    return build;
  } catch (error) {
    throw withLog(error, log);
  }
}

/** Say first what makes a build doubtful. */
function warn(
  { root }: Checkout,
  sources: readonly SourceRevision[],
  note: (line: string) => void,
): void {
  const dirty = sources.filter(({ isDirty }) => isDirty).map(({ name }) => name);
  if (dirty.length > 0) {
    note(`${dirty.join(", ")}: changes that are in no commit are built, too`);
  }
  const { bavail, bsize } = statfsSync(root);
  if (bavail * bsize < LITTLE) {
    note(
      `only ${Math.round((bavail * bsize) / 1e9)} GB are free in ${root}; a build takes about 50`,
    );
  }
}

function judge(
  checkout: Checkout,
  { exit, output, logError, left }: KasResult,
  { signal, quirks = [] }: KasBuildOptions,
): void {
  if (signal.aborted) {
    const rest = left ? "; its container may still run" : "";
    throw new PvhError("PVH_ABORTED", `cancelled: the build${rest}`);
  }
  if (exit === 0) {
    if (logError !== undefined) throw logError;
    return;
  }
  const ended = typeof exit === "number" ? `exit ${exit}` : exit;
  const { message, mend, taskLog, isDiskFull } = output.failure(`kas-container ended: ${ended}`);
  const hides = quirks.includes("kas-error-hidden");
  const evidence = [onHost(checkout, taskLog)].filter((path) => path !== undefined);
  const at = output.total === 0 ? "" : ` at task ${output.done} of ${output.total}`;
  throw new PvhError(
    isDiskFull ? "PVH_NO_SPACE" : "PVH_KAS_BUILD",
    hides ? `the build failed: ${ended}` : `the build failed${at}: ${message}`,
    { hint: mend ?? `pvh layer ${checkout.root} --log LOG tells what is known of it`, evidence },
  );
}

/** kas mounts the build folder at /build, or at its own path. */
function onHost(checkout: Checkout, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const inside = path.replace(/^\/build\//, "build/").replace(`${checkout.root}/`, "");
  return checkout.has(inside) ? join(checkout.root, inside) : undefined;
}

async function findResults(
  checkout: Checkout,
  plan: KasPlan,
  engine: Engine | undefined,
  { signal, progress, quirks = [] }: KasBuildOptions,
): Promise<Pick<KasBuild, "image" | "tarball" | "exports">> {
  const exports = deployedExports(checkout)
    .filter(({ isWhole, machine }) => isWhole && ["", plan.machine].includes(machine))
    .map(({ path }) => join(checkout.root, path));
  if (engine === undefined) return { image: undefined, tarball: undefined, exports };
  const all = imageTarballs(checkout).filter(
    ({ isWhole, machine }) => isWhole && machine === plan.machine,
  );
  // The unversioned name is a link to the tarball of the last build.
  const links = all.filter(({ path }) => path.endsWith("/pantavisor-appengine-docker.tar"));
  const tarballs = links.length > 0 ? links : all;
  const [newest] = quirks.includes("kas-oldest-tarball") ? tarballs.slice(-1) : tarballs;
  if (newest === undefined) {
    throw new PvhError(
      "PVH_KAS_BUILD",
      `the build succeeded, but build/tmp-*/deploy/images/${plan.machine} has no pantavisor-appengine-docker.tar`,
      { hint: "--target pantavisor-appengine builds it" },
    );
  }
  const tarball = join(checkout.root, newest.path);
  return { image: await loadImageTarball(engine, tarball, { signal, progress }), tarball, exports };
}

/** Name the log in whatever ends a build. */
function withLog(error: unknown, log: string): unknown {
  const known = machineError(error) ?? error;
  if (!(known instanceof PvhError)) return error;
  const { code, message, hint, evidence, cause } = known;
  return new PvhError(code, message, {
    ...(hint !== undefined && { hint }),
    evidence: [...evidence, log],
    cause,
  });
}
