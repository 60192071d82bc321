/**
 * Entries of /etc/passwd and /etc/group (passwd(5), group(5)) as a hostile container wrote them.
 */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Largest id. (uid_t)-1 means "unchanged" to setresuid(2), so it is never an identity. */
const MAX_ID = 0xffff_fffe;
/** Most groups that setgroups(2) takes (NGROUPS_MAX). */
const MAX_GROUPS = 65_536;

/** @returns the number, or undefined unless it is 1 to 10 digits and a valid id */
export function parseId(text: string): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

/**
 * The accounts of a passwd file; lines without exactly seven fields and valid ids are passed over.
 */
export function parsePasswd(content: string): Account[] {
  return content.split("\n").flatMap((line) => {
    const fields = line.split(":");
    const [name = "", , uidText = "", gidText = ""] = fields;
    const uid = parseId(uidText);
    const gid = parseId(gidText);
    if (fields.length !== 7 || name === "" || uid === undefined || gid === undefined) return [];
    return [{ name, uid, gid }];
  });
}

/** Gids of the groups that list `member`, each once, in the order of the file. */
export function groupsOf(content: string, member: string): number[] {
  const gids = new Set<number>();
  for (const line of content.split("\n")) {
    const fields = line.split(":");
    const [, , gidText = "", members = ""] = fields;
    const gid = parseId(gidText);
    if (fields.length !== 4 || gid === undefined) continue;
    if (members.split(",").includes(member) && gids.size < MAX_GROUPS) gids.add(gid);
  }
  return [...gids];
}
