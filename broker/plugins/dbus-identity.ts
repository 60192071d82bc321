import type { Credentials, Link, Toolbox } from "./plugin.ts";
import { groupsOf, parseId, parsePasswd } from "./accounts.ts";
import type { Account } from "./accounts.ts";

/** passwd and group are read up to this size. */
const MAX_FILE_BYTES = 1024 * 1024;

const NOBODY = 65_534;
const nobody: Credentials = { uid: NOBODY, gid: NOBODY, groups: [] };
export const root: Credentials = { uid: 0, gid: 0, groups: [] };

/**
 * Who a link's connections are to the provider: the graph's uid when pantavisor maps roles
 * itself, else the role as a decimal uid, else the role as an account of the provider's
 * /etc/passwd, else nobody. Groups are those of the account.
 */
export function dbusIdentity(link: Link, tools: Toolbox): Credentials {
  if (tools.quirks.has("dbus-all-nobody", "dbus")) return nobody;
  if (tools.quirks.has("dbus-role-ignored", "dbus")) return root;

  const accounts = parsePasswd(readFile(link, tools, "/etc/passwd"));
  const uid = link.entry.uid ?? parseId(link.role);
  if (uid !== undefined) {
    const account = accounts.find((candidate) => candidate.uid === uid);
    return account === undefined
      ? { uid, gid: NOBODY, groups: [] }
      : credentialsOf(account, link, tools);
  }
  // `any` stands for "no role", whatever accounts the provider has.
  const account = accounts.find(({ name }) => name === link.role && name !== "any");
  if (account !== undefined) return credentialsOf(account, link, tools);
  tools.log(`pvx-dbus: Role '${link.role}' is not an account of ${link.provider}, using nobody`);
  return tools.quirks.has("dbus-unknown-is-root", "dbus") ? root : nobody;
}

function credentialsOf(account: Account, link: Link, tools: Toolbox): Credentials {
  const groups = groupsOf(readFile(link, tools, "/etc/group"), account.name);
  return { uid: account.uid, gid: account.gid, groups };
}

function readFile(link: Link, tools: Toolbox, path: string): string {
  return tools.readProviderFile(link, path, MAX_FILE_BYTES) ?? "";
}
