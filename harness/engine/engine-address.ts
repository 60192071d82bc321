import { PvhError } from "../errors.ts";

/** Where an engine listens. */
export type EngineAddress = DirectAddress | SshAddress;

/** A socket that this machine can connect to. */
export type DirectAddress =
  | { readonly kind: "unix"; readonly host: string; readonly path: string }
  | {
      readonly kind: "tcp";
      readonly host: string;
      readonly hostname: string;
      readonly port: number;
      readonly tls: TlsFiles | undefined;
    };

/** A socket of another machine, which ssh reaches. */
export interface SshAddress {
  readonly kind: "ssh";
  readonly host: string;
  /** `ssh://[USER@]HOST[:PORT]`, as ssh(1) takes it. */
  readonly destination: string;
  /** Path of the socket on that machine. */
  readonly path: string;
}

/** How a TCP connection is secured. */
export interface TlsFiles {
  /** Folder that holds ca.pem, cert.pem and key.pem, or some of them. */
  readonly folder: string;
  /** False when the engine's certificate is not verified. */
  readonly verify: boolean;
}

export const DEFAULT_SOCKET = "/var/run/docker.sock";

/**
 * Read what DOCKER_HOST or a context names, as the docker command does it. A bare path is the
 * socket that it obviously is: docker would take it for a TCP address.
 *
 * @param from names the setting in messages
 * @throws PvhError PVH_USAGE for anything else than a Unix socket, a TCP address or a machine for ssh
 */
export function parseEngineAddress(
  text: string,
  from: string,
  tls: TlsFiles | undefined,
): EngineAddress {
  const value = text.trim();
  if (value.startsWith("/")) return unixAddress(value, from);
  const unix = /^unix:(?:\/\/)?(.*)$/is.exec(value);
  if (unix !== null) return unixAddress(unix[1] === "" ? DEFAULT_SOCKET : (unix[1] ?? ""), from);
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value) ?? [];
  if (scheme?.toLowerCase() === "ssh") return sshAddress(value, from);
  if (scheme !== undefined && scheme.toLowerCase() !== "tcp") {
    throw refused(`${from} is ${value}: pvh reaches engines by unix://, tcp:// or ssh://`);
  }
  return tcpAddress(value, from, tls);
}

function unixAddress(path: string, from: string): EngineAddress {
  if (!path.startsWith("/")) {
    throw refused(`${from} names the socket ${JSON.stringify(path)}, which is no absolute path`);
  }
  // sun_path with its end, unix(7): a longer one is cut, and another socket may be at the rest.
  if (Buffer.byteLength(path) > 107) {
    throw refused(`${from} names a socket with a path of ${Buffer.byteLength(path)} bytes`, {
      hint: "a socket's path has 107 bytes at most: ln -s gives it a shorter one",
    });
  }
  const host = `unix://${path}`;
  // Testcontainers reads the path out of a URL, and does not decode it.
  if (!URL.canParse(host) || new URL(host).pathname !== path) {
    throw refused(`${from} names the socket ${JSON.stringify(path)}, which is not plain in a URL`, {
      hint: "give it a plain name: ln -s",
    });
  }
  return { kind: "unix", host, path };
}

function tcpAddress(value: string, from: string, tls: TlsFiles | undefined): EngineAddress {
  const rest = value.replace(/^tcp:\/\//i, "");
  // Without a scheme only HOST:PORT is taken: a lone word is more likely a mistake.
  const [, name, port] = /^(\[[0-9a-f:.%]+\]|[a-z0-9_.-]+)(?::(\d{1,5}))?\/?$/i.exec(rest) ?? [];
  const bare = rest === value;
  if (name === undefined || (bare && port === undefined) || Number(port ?? 1) > 65_535) {
    throw refused(`${from} is ${JSON.stringify(value)}, which names no engine`);
  }
  const number = Number(port ?? (tls === undefined ? 2375 : 2376));
  if (number === 0) throw refused(`${from} is ${value}: port 0 is no engine's`);
  const hostname = name.replace(/^\[(.*)\]$/, "$1");
  return { kind: "tcp", host: `tcp://${name}:${number}`, hostname, port: number, tls };
}

/** A name that begins with a hyphen would be an option of ssh. */
function sshAddress(value: string, from: string): SshAddress {
  const rest = value.slice("ssh://".length);
  const [, user = "", name, port = "", path = ""] =
    /^(\w[\w.+-]*@)?(\[[0-9a-f:.]+\]|[a-z0-9_][a-z0-9_.-]*)(:\d{1,5})?(\/[\w./+-]*)?$/i.exec(
      rest,
    ) ?? [];
  const number = Number(port.slice(1) || 22);
  if (name === undefined || number === 0 || number > 65_535) {
    throw refused(`${from} is ${JSON.stringify(value)}, which names no machine for ssh`, {
      hint: "for example ssh://me@build-host or ssh://me@build-host:2222/run/user/1000/docker.sock",
    });
  }
  const socket = path.replace(/^\/$/, "");
  const destination = `ssh://${user}${name}${port}`;
  return {
    kind: "ssh",
    host: `${destination}${socket}`,
    destination,
    path: socket === "" ? DEFAULT_SOCKET : socket,
  };
}

function refused(message: string, details: { readonly hint?: string } = {}): PvhError {
  const hint =
    "for example unix:///var/run/docker.sock, tcp://build-host:2376 or ssh://me@build-host";
  return new PvhError("PVH_USAGE", message, { hint, ...details });
}
