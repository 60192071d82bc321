import { posix } from "node:path";
import { parseId, parsePasswd } from "./accounts.ts";
import type { Link, Toolbox } from "./plugin.ts";

/** passwd is read up to this size. */
const MAX_FILE_BYTES = 1024 * 1024;
const NOBODY = { uid: 65_534, gid: 65_534 };

/** One line of compact JSON, without its end. Role and names are the graph's alone. */
export function greetingText({ consumer, role }: Link): string {
  return JSON.stringify({ client: consumer, role });
}

/** The role before the last extension: `x.sock` is `x.admin.sock` for the role admin. */
export function roleSocketPath({ socket, role }: Link): string {
  // `any` stands for "no role".
  if (role === "any") return socket;
  const extension = posix.extname(socket);
  return `${socket.slice(0, socket.length - extension.length)}.${role}${extension}`;
}

/** The role as a decimal uid or an account of the provider's passwd, else nobody. */
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
