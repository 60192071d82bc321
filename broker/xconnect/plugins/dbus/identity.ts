import type { Credentials, Link, Toolbox } from "../plugin.ts";
import { groupsOf, parseId, parsePasswd } from "../accounts.ts";
import type { Account } from "../accounts.ts";

/** Largest passwd or group file that is read, in bytes. */
const MAX_FILE_BYTES = 1024 * 1024;

const NOBODY = 65_534;
const nobody: Credentials = { uid: NOBODY, gid: NOBODY, groups: [] };
export const root: Credentials = { uid: 0, gid: 0, groups: [] };

/**
 * Credentials of a link's connections to its provider: the graph's uid when pantavisor maps roles
 * itself, else the role as a decimal uid, else the role as an account of the provider's
 * /etc/passwd, else nobody. The groups are those of the account.
 */
export function dbusIdentity(link: Link, tools: Toolbox): Credentials {
  if (tools.quirks.has("dbus-all-nobody", "dbus")) return nobody;
  if (tools.quirks.has("dbus-role-ignored", "dbus")) return root;
  if (link.entry.uid !== undefined && tools.quirks.has("hosted-bus-root", "dbus")) return root;

  const passwd = readFile(link, tools, "/etc/passwd");
  const group = readFile(link, tools, "/etc/group");
  let last = derived.get(link);
  // Comparing is cheap: `readProviderFile` mostly returns the same strings as before.
  if (last?.passwd !== passwd || last.group !== group) {
    last = { passwd, group, ...derive(link, passwd, group) };
    derived.set(link, last);
  }
  if (last.credentials !== undefined) return last.credentials;
  tools.log(`pvx-dbus: Role '${link.role}' is not an account of ${link.provider}, using nobody`);
  return tools.quirks.has("dbus-unknown-is-root", "dbus") ? root : nobody;
}

interface DerivedCredentials {
  readonly passwd: string;
  readonly group: string;
  readonly credentials?: Credentials;
}

/** Files that were last read for a link, and the credentials derived from them. */
const derived = new WeakMap<Link, DerivedCredentials>();

/** The credentials of a link's role; none when the role is unknown. */
function derive(link: Link, passwd: string, group: string): { credentials?: Credentials } {
  const accounts = parsePasswd(passwd);
  const uid = link.entry.uid ?? parseId(link.role);
  const account =
    uid === undefined
      ? // `any` stands for "no role", whatever accounts the provider has.
        accounts.find(({ name }) => name === link.role && name !== "any")
      : accounts.find((candidate) => candidate.uid === uid);
  if (account !== undefined) return { credentials: credentialsOf(account, group) };
  return uid === undefined ? {} : { credentials: { uid, gid: NOBODY, groups: [] } };
}

function credentialsOf({ name, uid, gid }: Account, group: string): Credentials {
  return { uid, gid, groups: groupsOf(group, name) };
}

function readFile(link: Link, tools: Toolbox, path: string): string {
  return tools.readProviderFile(link, path, MAX_FILE_BYTES) ?? "";
}
