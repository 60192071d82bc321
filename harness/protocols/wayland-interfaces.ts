import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { InterfaceData } from "../../broker/shared/protocols/wayland/interfaces.ts";
import { readProtocol } from "./wayland-xml.ts";

/** Debian packages whose protocol files are read, with a file that each installs. */
export const PACKAGES = {
  "libwayland-dev": "/usr/share/wayland/wayland.xml",
  "wayland-protocols": "/usr/share/wayland-protocols/stable/xdg-shell/xdg-shell.xml",
  "libweston-10-dev": "/usr/share/libweston-10/protocols/weston-debug.xml",
} as const;

const PATTERNS = [
  "/usr/share/wayland/wayland.xml",
  "/usr/share/wayland-protocols/{stable,staging,unstable}/*/*.xml",
  "/usr/share/libweston-10/protocols/*.xml",
];

/** Its xdg_surface and xdg_popup have the names of stable interfaces with other messages. */
const SKIPPED = "xdg-shell-unstable-v5.xml";

/** Texts of the generated files. */
export interface Generated {
  readonly json: string;
  readonly notice: string;
}

/**
 * The interfaces of all protocol files of this machine, and their notices.
 * @throws Error when two files define one interface
 */
export function generate(): Generated {
  const files = PATTERNS.flatMap((pattern) => globSync(pattern).sort()).filter(
    (path) => basename(path) !== SKIPPED,
  );
  const all = new Map<string, InterfaceData>();
  const filesOf = new Map<string, string[]>();
  for (const path of files) {
    const { interfaces, copyright } = readProtocol(readFileSync(path, "utf8"));
    for (const [name, facts] of interfaces) {
      if (all.has(name)) throw new Error(`${path} defines ${name}, as another file does`);
      all.set(name, facts);
    }
    filesOf.set(copyright, [...(filesOf.get(copyright) ?? []), basename(path)]);
  }
  const lines = [...all]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, facts]) => `${JSON.stringify(name)}: ${JSON.stringify(facts)}`);
  return { json: `{\n${lines.join(",\n")}\n}\n`, notice: noticeOf(filesOf) };
}

function noticeOf(filesOf: ReadonlyMap<string, readonly string[]>): string {
  const parts = [...filesOf].map(([copyright, names]) => `${names.join("\n")}\n\n${copyright}\n`);
  return [INTRODUCTION, ...parts].join(`\n${"-".repeat(72)}\n\n`);
}

const INTRODUCTION = `interfaces.json holds names, versions and argument types of the interfaces that these protocol
files of Debian's ${Object.keys(PACKAGES).join(", ")} define. Their notices:
`;

/** The folder with the generated files. */
export const FOLDER = join(import.meta.dirname, "../../broker/shared/protocols/wayland");
