import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = "/sys/fs/cgroup";

/**
 * True where a cgroup that a runtime makes can have limits of this kind: the hierarchy hands the
 * controller on (cgroup v2), or it has a hierarchy of its own (v1).
 */
export function hasController(name: "memory" | "pids", root = ROOT): boolean {
  const handedOn = join(root, "cgroup.subtree_control");
  if (!existsSync(handedOn)) return existsSync(join(root, name));
  return readFileSync(handedOn, "utf8").trim().split(" ").includes(name);
}
