import * as z from "zod";
import type { Finding } from "./machine-checks.ts";

/** Parts of an engine's /info and /version that tell what its containers may do. */
const info = z
  .object({ SecurityOptions: z.array(z.string()) })
  .partial()
  .catch({});
const version = z
  .object({ Components: z.array(z.object({ Name: z.string() })) })
  .partial()
  .catch({});

/** Kind of an engine. */
export interface EngineKind {
  /** It runs as a user, in a user namespace. */
  readonly isRootless: boolean;
  readonly isPodman: boolean;
}

export function engineKind(saidInfo: unknown, saidVersion: unknown): EngineKind {
  const options = info.parse(saidInfo).SecurityOptions ?? [];
  const components = version.parse(saidVersion).Components ?? [];
  return {
    isRootless: options.some((option) => /^(name=)?rootless\b/.test(option)),
    isPodman: components.some(({ Name }) => /podman/i.test(Name)),
  };
}

/** Things that an appengine does and a user namespace forbids (mount(2), mknod(2), user_namespaces(7)). */
const FORBIDDEN =
  "the kernel lets it mount no squashfs, make no device node and no loop device, so that no container of an appengine can start";

export function checkRights({ isRootless, isPodman }: EngineKind): Finding {
  const name = "rights";
  const who = isPodman ? "Podman" : "Docker";
  if (!isRootless) return { name, ok: true, found: `${who} runs as root` };
  return {
    name,
    ok: false,
    found: `${who} is rootless`,
    means: FORBIDDEN,
    fix: "use an engine that runs as root: DOCKER_HOST=unix:///var/run/docker.sock",
  };
}

/** A line for a run on such an engine, before it begins. @returns undefined for one with all rights */
export function lackOfRights(kind: EngineKind): string | undefined {
  const { ok, found, means = "", fix = "" } = checkRights(kind);
  return ok ? undefined : `${found}: ${means}\n  -> ${fix}`;
}
