import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import * as z from "zod";
import { PvhError } from "../errors.ts";
import { messageOfThrown } from "../thrown.ts";

/**
 * A directory of Pantavisor's own test format, `pv-test@1`. The first generation boots with
 * `setup.env`, `cmdline`, `pantavisor.config` and `pvs`, and compares what a terminal shows; the
 * second has `required-config` (or `config.env`), `usrmeta` and `devices`, and compares stdout.
 */
export interface PvTest {
  /** `scope/category/name`, as the format names it. */
  readonly id: string;
  /** Absolute path of the directory. */
  readonly folder: string;
  readonly description: string;
  readonly generation: 1 | 2;
  readonly environment: Readonly<Record<string, string>>;
  readonly cmdline: string;
  /** Absolute path of a file that replaces the appengine's configuration. */
  readonly configFile: string | undefined;
  /** Glob of archives for the trust folder, relative to the directory. */
  readonly trust: string | undefined;
  readonly controlContainer: string | undefined;
  /** Paths as test.json has them. */
  readonly tarballs: readonly string[];
  readonly urls: readonly string[];
  /** Absolute paths. */
  readonly readyScript: string | undefined;
  readonly script: string;
  readonly golden: string;
  readonly userMeta: Readonly<Record<string, string>>;
  readonly devices: readonly string[];
  readonly isSkipped: boolean;
  readonly needsClaim: boolean;
}

/** Bytes of test.json and of a script. */
const LARGEST = 1 << 20;

const flag = z.union([z.boolean(), z.enum(["true", "false", ""])]).nullish();
const text = z.string().nullish();
const schema = z.object({
  "#spec": z.literal("pv-test@1"),
  description: text,
  setup: z
    .object({
      cmdline: text,
      env: text,
      "pantavisor.config": text,
      pvs: text,
      "required-config": text,
      config: z.object({ env: text, usrmeta: text }).nullish(),
      usrmeta: text,
      "commit-initial": flag,
      "ready-script": text,
      "self-claim": flag,
      containers: z
        .object({
          control: text,
          tarballs: z.array(z.string()).nullish(),
          urls: z.array(z.string()).nullish(),
        })
        .nullish(),
    })
    .nullish(),
  "test-script": z.string().min(1),
  skip: flag,
  devices: z.array(z.string()).nullish(),
});

/** @throws PvhError PVH_BAD_TEST for a directory whose test.json is none, or names what is not there */
export function readPvTest(folder: string): PvTest {
  const file = join(folder, "test.json");
  const { setup, devices, skip, description, ...rest } = parse(file);
  const { containers, config } = setup ?? {};
  const isSecond =
    setup?.["required-config"] != null ||
    config != null ||
    devices != null ||
    setup?.usrmeta != null;
  const inside = (path: string | null | undefined): string | undefined => {
    if (path == null || path === "" || path === "null") return undefined;
    const found = resolve(folder, path);
    if (!found.startsWith(`${folder}${sep}`)) bad(file, `${path} is not in the directory`);
    if (!isSmallFile(found)) bad(file, `${path} is no file of at most ${LARGEST} bytes`);
    return found;
  };
  const script = inside(rest["test-script"]) ?? bad(file, "it names no test-script");
  return {
    id: folder.split(sep).slice(-3).join("/"),
    folder,
    description: description ?? "",
    generation: isSecond ? 2 : 1,
    environment: pairs(file, setup?.env ?? setup?.["required-config"] ?? config?.env ?? ""),
    cmdline: setup?.cmdline ?? "",
    configFile: inside(setup?.["pantavisor.config"]),
    trust: trustOf(setup?.pvs, isSecond),
    controlContainer: containers?.control ?? undefined,
    tarballs: containers?.tarballs ?? [],
    urls: containers?.urls ?? [],
    readyScript: inside(setup?.["ready-script"]),
    script,
    golden: join(folder, "output"),
    userMeta: pairs(file, setup?.usrmeta ?? config?.usrmeta ?? ""),
    devices: devices ?? [],
    isSkipped: isTrue(skip),
    needsClaim: isTrue(setup?.["self-claim"]),
  };
}

/** Images of the second generation's driver have the keys of developers; another gets the tests' own. */
function trustOf(pvs: string | null | undefined, isSecond: boolean): string | undefined {
  if (pvs != null && pvs !== "") return pvs;
  return isSecond ? "../../common/pvs/*.tar.gz" : undefined;
}

function parse(file: string): z.infer<typeof schema> {
  let parsed: unknown;
  try {
    if (!isSmallFile(file)) throw new Error(`it is no file of at most ${LARGEST} bytes`);
    parsed = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    return bad(file, messageOfThrown(error));
  }
  const { success, data, error } = schema.safeParse(parsed);
  if (success) return data;
  const [issue] = error.issues;
  return bad(file, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "it is no pv-test@1"}`);
}

/** `K=V K=V`, as the format writes environments. */
function pairs(file: string, text: string): Record<string, string> {
  const found: [string, string][] = [];
  for (const pair of text.split(/\s+/).filter((one) => one !== "")) {
    const [, key, value] = /^([A-Za-z_][\w.-]*)=(.*)$/s.exec(pair) ?? [];
    if (key === undefined || value === undefined) return bad(file, `'${pair}' is not K=V`);
    found.push([key, value]);
  }
  return Object.fromEntries(found);
}

function isSmallFile(path: string): boolean {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts?.isFile() === true && facts.size <= LARGEST;
}

function isTrue(value: boolean | string | null | undefined): boolean {
  return value === true || value === "true";
}

function bad(file: string, why: string): never {
  throw new PvhError("PVH_BAD_TEST", `${file}: ${why}`, {
    hint: `compare ${dirname(file)} with a directory that runs`,
  });
}
