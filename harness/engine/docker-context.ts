import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { PvhError } from "../errors.ts";
import { parseEngineAddress } from "./engine-address.ts";
import type { EngineAddress, TlsFiles } from "./engine-address.ts";

/** The engine that the environment or docker's own configuration names. */
export interface NamedEngine {
  readonly address: EngineAddress;
  /** The setting that names it, as a message says it. */
  readonly from: string;
  /** Advice on how a user gets rid of the setting. */
  readonly without: string;
}

const meta = z.object({
  Name: z.string(),
  Endpoints: z.object({
    docker: z.object({ Host: z.string(), SkipTLSVerify: z.boolean().catch(false) }),
  }),
});

/**
 * The engine that the docker command would use: DOCKER_HOST, else the context of DOCKER_CONTEXT,
 * else the current context of its configuration.
 *
 * @returns undefined where none is named, or the context `default` is
 * @throws PvhError PVH_USAGE for a context that is not there or an address that means nothing
 */
export function namedEngine(env: NodeJS.ProcessEnv = process.env): NamedEngine | undefined {
  const host = env["DOCKER_HOST"] ?? "";
  if (host.trim() !== "") {
    const from = "DOCKER_HOST";
    const address = parseEngineAddress(host, from, tlsOf(env));
    return { address, from, without: "unset DOCKER_HOST" };
  }
  const wanted = env["DOCKER_CONTEXT"] ?? "";
  const current = wanted === "" ? currentContext(env) : wanted;
  if (current === "" || current === "default") return undefined;
  const from = wanted === "" ? `the current docker context ${current}` : `DOCKER_CONTEXT=${wanted}`;
  const without = wanted === "" ? "docker context use default" : "unset DOCKER_CONTEXT";
  const found = readMeta(metaFile(env, idOf(current)));
  if (found?.Name !== current) {
    throw new PvhError("PVH_USAGE", `${from}: there is no such context in ${dockerFolder(env)}`, {
      hint: `known are ${["default", ...knownContexts(env)].join(", ")}; ${without}`,
    });
  }
  const { Host, SkipTLSVerify } = found.Endpoints.docker;
  const folder = join(dockerFolder(env), "contexts/tls", idOf(current), "docker");
  const tls = isFolder(folder) ? { folder, verify: !SkipTLSVerify } : undefined;
  return { address: parseEngineAddress(Host, from, tls), from, without };
}

/** DOCKER_TLS_VERIFY asks for TLS, and DOCKER_TLS for TLS with anybody. */
function tlsOf(env: NodeJS.ProcessEnv): TlsFiles | undefined {
  const verify = (env["DOCKER_TLS_VERIFY"] ?? "") !== "";
  if (!verify && (env["DOCKER_TLS"] ?? "") === "") return undefined;
  const folder = env["DOCKER_CERT_PATH"] ?? "";
  return { folder: folder === "" ? dockerFolder(env) : folder, verify };
}

function dockerFolder(env: NodeJS.ProcessEnv): string {
  const given = env["DOCKER_CONFIG"] ?? "";
  return given === "" ? join(env["HOME"] ?? homedir(), ".docker") : given;
}

/** A configuration that cannot be read names nothing, as for the docker command. */
function currentContext(env: NodeJS.ProcessEnv): string {
  const config = z.object({ currentContext: z.string() });
  return readJson(join(dockerFolder(env), "config.json"), config)?.currentContext ?? "";
}

function knownContexts(env: NodeJS.ProcessEnv): string[] {
  try {
    const ids = readdirSync(join(dockerFolder(env), "contexts/meta")).slice(0, 100);
    return ids.flatMap((id) => readMeta(metaFile(env, id))?.Name ?? []).sort();
  } catch {
    return [];
  }
}

const idOf = (name: string): string => createHash("sha256").update(name).digest("hex");

const metaFile = (env: NodeJS.ProcessEnv, id: string): string =>
  join(dockerFolder(env), "contexts/meta", id, "meta.json");

const readMeta = (path: string): z.infer<typeof meta> | undefined => readJson(path, meta);

function readJson<T>(path: string, schema: z.ZodType<T>): T | undefined {
  try {
    // Reading a pipe or a device could wait for ever.
    if (!statSync(path).isFile()) return undefined;
    return schema.safeParse(JSON.parse(readFileSync(path, "utf8"))).data;
  } catch {
    return undefined;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
