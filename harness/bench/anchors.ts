import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../engine/programs.ts";
import type { Suite } from "./figures.ts";
import { IDENTITY } from "./identity.ts";
import type { LoadPrograms } from "./load-programs.ts";
import { BUS_NAME } from "./testbed.ts";

/** Where a relay listens, what it connects to, and a folder of its own. */
export interface Ends {
  readonly listen: string;
  readonly provider: string;
  readonly folder: string;
}

/** A relay that another project ships and users could take instead of the broker, or a bound. */
export interface Anchor {
  readonly name: string;
  readonly suite: Suite;
  /** @returns undefined when it is not installed */
  readonly find: (programs: LoadPrograms) => string | undefined;
  readonly args: (ends: Ends) => readonly string[];
}

const LIBEXEC = ["/usr/lib/systemd", "/lib/systemd"];
const NGINX_STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so";
const NODE_RELAYS = join(import.meta.dirname, "node-relays");

/** Each is configured for speed, and to set the identity headers where it mediates HTTP. */
export const ANCHORS: readonly Anchor[] = [
  {
    name: "systemd-socket-proxyd",
    suite: "unix",
    find: () => (proxyd() === undefined ? undefined : findProgram("systemd-socket-activate")),
    args: ({ listen, provider }) => ["-l", listen, proxyd() ?? "", provider],
  },
  {
    name: "socat",
    suite: "unix",
    find: () => findProgram("socat"),
    args: ({ listen, provider }) => [
      "-b65536",
      `UNIX-LISTEN:${listen},fork,backlog=4096`,
      `UNIX-CONNECT:${provider}`,
    ],
  },
  {
    name: "nginx stream",
    suite: "unix",
    find: () => (existsSync(NGINX_STREAM) ? findProgram("nginx") : undefined),
    args: (ends) =>
      nginx(
        ends,
        `stream { server { listen unix:${ends.listen} backlog=4096; proxy_pass unix:${ends.provider}; proxy_buffer_size 64k; } }`,
        `load_module ${NGINX_STREAM};`,
      ),
  },
  {
    name: "haproxy tcp",
    suite: "unix",
    find: () => findProgram("haproxy"),
    args: (ends) => haproxy(ends, "mode tcp"),
  },
  {
    name: "least relay in C",
    suite: "unix",
    find: (programs) => programs["unix-relay"],
    args: ({ listen, provider }) => [listen, provider],
  },
  { name: "node net", suite: "unix", find: () => process.execPath, args: nodeRelay("net-pipe") },
  {
    name: "least relay in C",
    suite: "input",
    find: (programs) => programs["unix-relay"],
    args: ({ listen, provider }) => [listen, provider],
  },
  { name: "node net", suite: "input", find: () => process.execPath, args: nodeRelay("net-pipe") },
  {
    name: "nginx",
    suite: "rest",
    find: () => findProgram("nginx"),
    args: (ends) =>
      nginx(
        ends,
        `http { access_log off; client_body_temp_path ${ends.folder}/body; proxy_temp_path ${ends.folder}/proxy;
        upstream provider { server unix:${ends.provider}; keepalive 64; keepalive_requests 1000000000; }
        server { listen unix:${ends.listen} backlog=4096; keepalive_requests 1000000000;
          location / { proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header X-PV-Client ${IDENTITY.client}; proxy_set_header X-PV-Role ${IDENTITY.role}; } } }`,
      ),
  },
  {
    name: "haproxy",
    suite: "rest",
    find: () => findProgram("haproxy"),
    args: (ends) =>
      haproxy(
        ends,
        `mode http\n  http-request set-header X-PV-Client ${IDENTITY.client}\n  http-request set-header X-PV-Role ${IDENTITY.role}`,
      ),
  },
  { name: "node http", suite: "rest", find: () => process.execPath, args: nodeRelay("http-proxy") },
  {
    name: "xdg-dbus-proxy",
    suite: "dbus",
    find: () => findProgram("xdg-dbus-proxy"),
    args: ({ listen, provider }) => [
      `unix:path=${provider}`,
      listen,
      "--filter",
      `--call=${BUS_NAME}=*`,
    ],
  },
  {
    name: "fd relay in C",
    suite: "wayland",
    find: (programs) => programs["fd-relay"],
    args: ({ listen, provider }) => [listen, provider],
  },
];

function proxyd(): string | undefined {
  return LIBEXEC.map((folder) => join(folder, "systemd-socket-proxyd")).find(existsSync);
}

function nodeRelay(name: string): Anchor["args"] {
  return ({ listen, provider }) => [join(NODE_RELAYS, `${name}.main.ts`), listen, provider];
}

function nginx({ folder }: Ends, blocks: string, before = ""): readonly string[] {
  const file = join(folder, "nginx.conf");
  const config = `${before}
user root; daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr warn;
events { worker_connections 4096; }
${blocks}
`;
  writeFileSync(file, config);
  return ["-p", folder, "-e", "stderr", "-c", file];
}

function haproxy({ folder, listen, provider }: Ends, mode: string): readonly string[] {
  const file = join(folder, "haproxy.cfg");
  const config = `global
  maxconn 4096
defaults
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind unix@${listen}
  ${mode}
  default_backend back
backend back
  ${mode.split("\n")[0] ?? ""}
  server provider unix@${provider}
`;
  writeFileSync(file, config);
  return ["-db", "-f", file];
}
