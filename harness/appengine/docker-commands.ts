import type { HostConfig } from "dockerode";
import { shellWord } from "../../reports/shell-word.ts";
import { prepared } from "./boot-preparation.ts";
import { EXPORTS_FOLDER, STORAGE } from "./layout.ts";

export interface DockerCommands {
  readonly name: string;
  readonly image: string;
  /** The image's own entry point and command. */
  readonly entrypoint: readonly string[];
  /** Paths of pvrexports. */
  readonly exports: readonly string[];
  /** Variables `NAME=value` for the appengine. */
  readonly environment: readonly string[];
  /** Privileges and limits, as the engine takes them. */
  readonly config: HostConfig & { readonly CgroupnsMode?: string };
}

/**
 * Script of docker commands that boots an appengine as pvh does, also where the engine refuses
 * `--privileged`.
 */
export function dockerCommands(wanted: DockerCommands): string {
  const { name, image, entrypoint, exports, environment, config } = wanted;
  const [shell = "", ...words] = prepared(entrypoint);
  const create = [
    ["--name", name],
    ["--network", "none"],
    ["--volume", `${name}-storage:${STORAGE}`],
    ...environment.map((variable) => ["--env", variable]),
    ...flagsOf(config),
    ["--entrypoint", shell],
  ].map(([flag = "", value]) => (value === undefined ? flag : `${flag} ${shellWord(value)}`));
  return [
    `docker create ${[...create, [image, ...words].map(shellWord).join(" ")].join(" \\\n  ")}`,
    ...exports.map((path) => `docker cp ${shellWord(path)} ${name}:${EXPORTS_FOLDER}/`),
    `docker start ${name}`,
    "",
  ].join("\n");
}

function flagsOf(config: DockerCommands["config"]): string[][] {
  return [
    ...(config.Privileged === true ? [["--privileged"]] : []),
    ...each("--cap-add", config.CapAdd),
    ...each("--cap-drop", config.CapDrop),
    ...each("--security-opt", config.SecurityOpt),
    // The command line has one word for "nothing masked, nothing read-only".
    ["--security-opt", "systempaths=unconfined"],
    ...each("--device-cgroup-rule", config.DeviceCgroupRules),
    ["--cgroupns", config.CgroupnsMode ?? "private"],
    ...(config.PidsLimit == null ? [] : [["--pids-limit", String(config.PidsLimit)]]),
    ...(config.Memory === undefined ? [] : [["--memory", String(config.Memory)]]),
    ...(config.MemorySwap === undefined ? [] : [["--memory-swap", String(config.MemorySwap)]]),
  ];
}

/** @param values an array of strings, which dockerode's types do not tell */
function each(flag: string, values: unknown): string[][] {
  return Array.isArray(values) ? values.map((value) => [flag, String(value)]) : [];
}
