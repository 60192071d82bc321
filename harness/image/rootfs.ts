import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createInterface } from "node:readline";
import type { Engine } from "../engine/engine.ts";
import { engineError } from "../engine/engine-error.ts";
import { openStream } from "../engine/streams.ts";
import { findProgram, SYSTEM_PATH } from "../engine/programs.ts";
import { PvhError } from "../errors.ts";
import type { CacheOptions } from "./layer-cache.ts";
import type { BuilderPlace } from "./rootfs-builder.ts";
import { builderPlace, KEYRING, PLACES, withBuilder } from "./rootfs-builder.ts";

const SUITE = "bookworm";

/** Nobody reads manuals in an appengine; without them it is a third smaller. */
const LEFT_OUT = ["doc", "man", "locale", "info", "lintian", "bash-completion", "bug"];
/** Files that differ between two builds, or belong to the building machine. */
const REMOVED = [
  "/etc/hostname",
  "/etc/resolv.conf",
  "/var/cache/apt/*.bin",
  "/var/cache/debconf/*-old",
  "/var/cache/ldconfig/aux-cache",
  "/var/log/*",
];

/**
 * Write the appengine's root filesystem as a tar: Debian packages, put together by mmdebstrap.
 * It runs on this machine for root with mmdebstrap, else in a container on the engine.
 *
 * @throws PvhError PVH_BUILD with mmdebstrap's last words
 */
export async function makeRootfs(
  engine: Engine,
  packages: readonly string[],
  path: string,
  options: CacheOptions,
): Promise<void> {
  const place = builderPlace(engine);
  const mirrors = place === "debian" ? DEFAULT_MIRRORS : await debianMirrors();
  const command = mmdebstrap(packages, mirrors);
  options.progress(
    `making the root filesystem from ${packages.length} Debian packages ${PLACES[place]}; about a minute, once`,
  );
  if (place === "here") await runHere(command, path, options);
  else await runInContainer(engine, { place, command }, path, options);
}

/** The mmdebstrap command line; the tar comes out on stdout. */
function mmdebstrap(packages: readonly string[], mirrors: Mirrors): string[] {
  const from = (uri: string, suite: string) => `deb [signed-by=${KEYRING}] ${uri} ${suite} main`;
  return [
    "mmdebstrap",
    "--mode=root",
    "--variant=essential",
    "--format=tar",
    `--include=${packages.join(",")}`,
    '--aptopt=Acquire::Languages "none"',
    '--aptopt=APT::Install-Recommends "false"',
    "--dpkgopt=force-unsafe-io",
    ...LEFT_OUT.map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`),
    `--customize-hook=cd "$1" && rm -rf ${REMOVED.map((file) => `.${file}`).join(" ")}`,
    SUITE,
    "-",
    from(mirrors.main, SUITE),
    from(mirrors.security, `${SUITE}-security`),
  ];
}

async function runHere(
  command: readonly string[],
  path: string,
  options: CacheOptions,
): Promise<void> {
  const [program = "", ...args] = command;
  const child = spawn(findProgram(program) ?? program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    // Every file's time at most this: the layer depends on the packages alone.
    env: { ...process.env, PATH: SYSTEM_PATH, SOURCE_DATE_EPOCH: "0", LC_ALL: "C" },
  });
  const stop = () => child.kill("SIGTERM");
  options.signal.addEventListener("abort", stop);
  const said: string[] = [];
  createInterface(child.stderr).on("line", (line) => tell(line, said, options));
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  try {
    const [, code] = await Promise.all([pipeline(child.stdout, createWriteStream(path)), exited]);
    if (code !== 0) throw new Error(`mmdebstrap exited with ${code ?? "a signal"}`);
  } catch (error) {
    throw buildError(error, said, options.signal);
  } finally {
    options.signal.removeEventListener("abort", stop);
  }
}

async function runInContainer(
  engine: Engine,
  { place, command }: { place: Exclude<BuilderPlace, "here">; command: readonly string[] },
  path: string,
  options: CacheOptions,
): Promise<void> {
  const said: string[] = [];
  const onStderr = (line: string): void => tell(line, said, options);
  try {
    await withBuilder(engine, place, { ...options, onStderr }, async (container) => {
      const stream = await openStream(container, command, { onStderr });
      await pipeline(stream, createWriteStream(path), { signal: options.signal });
      if ((await stream.exitCode()) !== 0) throw new Error("mmdebstrap failed");
    });
  } catch (error) {
    if (said.length > 0 || options.signal.aborted) throw buildError(error, said, options.signal);
    throw engineError(error, "the container in which the root filesystem is made");
  }
}

function tell(line: string, said: string[], { progress }: CacheOptions): void {
  said.push(line);
  if (said.length > 20) said.shift();
  const step = /^I: (running apt|downloading|extracting|installing|cleaning|creating)(.*)/.exec(
    line,
  );
  if (step !== null) progress(`mmdebstrap: ${step[1] ?? ""}${step[2] ?? ""}`);
}

function buildError(error: unknown, said: readonly string[], signal: AbortSignal): PvhError {
  if (signal.aborted)
    return new PvhError("PVH_ABORTED", "cancelled while making the image", { cause: error });
  const words = said.slice(-8).join("\n");
  if (/No space left on device/.test(words)) {
    return new PvhError("PVH_NO_SPACE", `the root filesystem does not fit:\n${words}`, {
      cause: error,
    });
  }
  const why = error instanceof Error ? error.message : String(error);
  return new PvhError("PVH_BUILD", `the root filesystem cannot be made: ${why}\n${words}`, {
    hint: "run apt-get update to check that the Debian mirrors can be reached",
    cause: error,
  });
}

interface Mirrors {
  readonly main: string;
  readonly security: string;
}

const DEFAULT_MIRRORS: Mirrors = {
  main: "http://deb.debian.org/debian",
  security: "http://deb.debian.org/debian-security",
};

/** The Debian mirrors this machine uses; its third-party sources are ignored. */
async function debianMirrors(): Promise<Mirrors> {
  const { $ } = await import("zx");
  const format = "$(REPO_URI) $(ORIGIN)/$(LABEL)";
  const listing = $({ quiet: true, nothrow: true });
  const { stdout } = await listing`apt-get indextargets --format ${format} "Created-By: Packages"`;
  return mirrorsFrom(stdout);
}

/** @param targets lines `URI ORIGIN/LABEL` of `apt-get indextargets` */
export function mirrorsFrom(targets: string): Mirrors {
  const uri = (label: string) =>
    targets
      .split("\n")
      .find((line) => line.endsWith(` Debian/${label}`))
      ?.split(" ", 1)[0];
  return {
    main: uri("Debian") ?? DEFAULT_MIRRORS.main,
    security: uri("Debian-Security") ?? DEFAULT_MIRRORS.security,
  };
}
