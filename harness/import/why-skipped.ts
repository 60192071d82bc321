import { existsSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { PvTest } from "./pv-test.ts";

/** A tarball that test.json names, where it is on this machine. */
export interface Staged {
  readonly paths: readonly string[];
  /** Names as test.json has them. */
  readonly missing: readonly string[];
}

/** @param folders further places of tarballs: Yocto's deploy folder, for example */
export function stageTarballs(test: PvTest, folders: readonly string[]): Staged {
  const paths: string[] = [];
  const missing: string[] = [];
  for (const name of test.tarballs) {
    const own = resolve(test.folder, name);
    const places = [own, ...folders.flatMap((folder) => namesIn(folder, basename(name)))];
    const found = places.find((path) => existsSync(path));
    if (found === undefined) missing.push(name);
    else paths.push(found);
  }
  return { paths, missing };
}

/** kas calls `pvr-sdk.tgz` `pvr-sdk.pvrexport.tgz`. */
function namesIn(folder: string, name: string): string[] {
  return [name, name.replace(/\.tgz$/, ".pvrexport.tgz")].map((one) => join(folder, one));
}

/** @returns why a test cannot run here, by name; undefined when it can */
export function whySkipped(test: PvTest, { missing }: Staged): string | undefined {
  if (test.isSkipped) return "its test.json says skip";
  if (test.devices.length > 0 && !test.devices.includes("appengine")) {
    return `it is for ${test.devices.join(", ")}`;
  }
  if (test.needsClaim || test.environment["PV_CONTROL_REMOTE"] === "1") {
    return "it needs the cloud, and an appengine of pvh has no network";
  }
  if (test.urls.length > 0) return `it downloads ${test.urls.join(", ")}`;
  const script = readFileSync(test.script, "utf8");
  const [module] = /^\s*(?:sudo\s+(?:-n\s+)?)?(?:modprobe|insmod)\s+\S+/m.exec(script) ?? [];
  if (module !== undefined) return `it loads a kernel module: ${module.trim()}`;
  if (missing.length > 0)
    return `missing: ${missing.join(", ")} (--tarballs DIR names their folder)`;
  return undefined;
}

/** Programs without which a test says nothing; the image may lack them. */
export function neededPrograms(test: PvTest): string[] {
  const script = readFileSync(test.script, "utf8");
  return ["pvr", "jq", "curl"].filter((name) =>
    new RegExp(String.raw`(?:^|[|;&(\`]|\bthen\b|\bdo\b)\s*${name}\s`, "m").test(
      script.replaceAll(/^\s*#.*$/gm, ""),
    ),
  );
}
