import type Docker from "dockerode";
import type { EngineKind } from "./engine-rights.ts";
import type { TlsFiles } from "./engine-address.ts";

/** A Docker engine, or Podman through its compatible socket, that has answered. */
export interface Engine {
  readonly docker: Docker;
  /** Address in the form of DOCKER_HOST: `unix:///…`, `tcp://…`. */
  readonly host: string;
  /** Its address where ssh reaches it, `ssh://…`; `host` is then this side's end of a tunnel. */
  readonly ssh?: string;
  /** How its TCP connections are secured, when they are. */
  readonly tls?: TlsFiles;
  /** Where it was found: `DOCKER_HOST`, a docker context by name, `default socket`, `private`. */
  readonly origin: string;
  readonly version: string;
  readonly apiVersion: string;
  /** Limits that its kernel or Docker does not keep. */
  readonly cannotLimit?: readonly string[];
  /** Absent where it was not asked. */
  readonly kind?: EngineKind;
  /** True when its containers' pids, capabilities and loop devices are this machine's. */
  readonly sameMachine: boolean;
}

/** The address by which its user knows an engine, in the form of DOCKER_HOST. */
export function shownAddress({ host, ssh = host }: Pick<Engine, "host" | "ssh">): string {
  return ssh;
}

/** An engine as plain data, for another process, which then need not look for it. */
export type EngineFacts = Omit<Engine, "docker">;

export interface FindOptions {
  readonly signal?: AbortSignal;
  /** Callback for one line about what takes long, for example starting a private engine. */
  readonly progress?: (line: string) => void;
  /** False to look for an engine without starting one. */
  readonly start?: boolean;
}
