import type Docker from "dockerode";
import type { TlsFiles } from "./engine-address.ts";

/** A Docker engine, or Podman through its compatible socket, that has answered. */
export interface Engine {
  readonly docker: Docker;
  /** As DOCKER_HOST would say it: `unix:///…`, `tcp://…`. */
  readonly host: string;
  /** How its TCP connections are secured, when they are. */
  readonly tls?: TlsFiles;
  /** Where it was found: `DOCKER_HOST`, a docker context by name, `default socket`, `private`. */
  readonly origin: string;
  readonly version: string;
  readonly apiVersion: string;
  /** Limits that its kernel or Docker does not keep. */
  readonly cannotLimit?: readonly string[];
  /** Its containers' pids, capabilities and loop devices are this machine's. */
  readonly sameMachine: boolean;
}

export interface FindOptions {
  readonly signal?: AbortSignal;
  /** Told in one line what takes long, for example starting a private engine. */
  readonly progress?: (line: string) => void;
  /** False: look for an engine, but start none. */
  readonly start?: boolean;
}
