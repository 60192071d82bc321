import * as z from "zod";
import { firstProblem } from "../../shared/formats/first-problem.ts";
import type { ContainerStart } from "./container-start.ts";
import { parseUntrusted } from "../../shared/formats/json-depth.ts";

/** Additions of pantavisor to a container's own OCI configuration. */
export interface OciAdditions {
  readonly name: string;
  /** Its mounted root file system. */
  readonly root: string;
  /** pv-ctrl, seen inside as /pantavisor/pv-ctrl. */
  readonly controlSocket: string;
  /** Folders that it sees below /pantavisor, read-only. */
  readonly views?: ContainerStart["views"];
  readonly sockets?: ContainerStart["sockets"];
  /** Environment of the container's init. */
  readonly environment: Readonly<Record<string, string>>;
}

const list = z.array(z.unknown()).default([]);
const schema = z.looseObject({
  process: z.looseObject({
    args: z.array(z.string()).min(1),
    env: z.array(z.string()).default([]),
  }),
  mounts: list,
  linux: z.looseObject({}).default({}),
  hooks: z.never({ error: "would run in the appengine" }).optional(),
});

/**
 * The configuration given to runc: the object as deployed, then ours, so that ours wins. The
 * name of the cgroup is how pv-ctrl knows a caller (caller.ts).
 * @param own text of the object that run.json names as config
 * @throws Error naming the key that is wrong
 */
export function ociConfig(own: string, additions: OciAdditions): object {
  const { name, root, controlSocket, views = [], sockets = [], environment } = additions;
  const config = parse(own);
  return {
    ...config,
    hostname: name,
    root: { path: root, readonly: false },
    process: {
      ...config.process,
      terminal: false,
      env: [
        ...config.process.env,
        ...Object.entries(environment).map(([key, value]) => `${key}=${value}`),
      ],
    },
    mounts: [
      ...config.mounts,
      ...[{ source: controlSocket, target: "pantavisor/pv-ctrl" }, ...sockets].map(
        ({ source, target }) => ({
          destination: `/${target}`,
          type: "bind",
          source,
          options: ["bind"],
        }),
      ),
      ...views.map((view) => ({
        destination: `/pantavisor/${view.name}`,
        type: "bind",
        source: view.source,
        options: ["bind", "ro", "nosuid", "nodev", "noexec"],
      })),
    ],
    linux: { ...config.linux, cgroupsPath: `/${RUNC_PAYLOAD}${name}` },
  };
}

/** Before the container's name, in the name of its cgroup. */
export const RUNC_PAYLOAD = "runc.payload.";

function parse(own: string): z.infer<typeof schema> {
  const parsed = schema.safeParse(parseUntrusted(own));
  if (parsed.success) return parsed.data;
  throw new Error(`OCI configuration: ${firstProblem(parsed.error)}`);
}
