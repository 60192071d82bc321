import { posix } from "node:path";
import { parseId, parsePasswd } from "../accounts.ts";
import type { Link, Toolbox } from "../plugin.ts";

/** Largest passwd file that is read, in bytes. */
const MAX_FILE_BYTES = 1024 * 1024;
const NOBODY = { uid: 65_534, gid: 65_534 };

/** The greeting: compact JSON without a line end. Its names and role come from the graph alone. */
export function greetingText({ consumer, role }: Link): string {
  return JSON.stringify({ client: consumer, role });
}

/**
 * The path with the role before its last extension: `x.admin.sock` for `x.sock` and the role admin.
 */
export function roleSocketPath({ socket, role }: Link): string {
  // `any` means "no role".
  if (role === "any") return socket;
  const extension = posix.extname(socket);
  return `${socket.slice(0, socket.length - extension.length)}.${role}${extension}`;
}

/** The ids of the role: a decimal uid, or an account of the provider's passwd, else nobody. */
export function roleAccount(link: Link, tools: Toolbox): { uid: number; gid: number } {
  const content = tools.readProviderFile(link, "/etc/passwd", MAX_FILE_BYTES) ?? "";
  const accounts = parsePasswd(content);
  const uid = parseId(link.role);
  if (uid !== undefined) {
    const gid = accounts.find((account) => account.uid === uid)?.gid ?? NOBODY.gid;
    return { uid, gid };
  }
  const account = accounts.find(({ name }) => name === link.role && name !== "any");
  return account === undefined ? NOBODY : { uid: account.uid, gid: account.gid };
}
