import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import tar from "tar-stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compareGolden } from "./compare-golden.ts";
import { signState } from "../../broker/shared/formats/sign-state.ts";
import type { JsonObject } from "../exports/json-value.ts";
import { writeExport } from "../exports/write-export.ts";
import { expiredSigner } from "./expired-signer.ts";
import { findTests } from "./find-tests.ts";
import { namesOf } from "./import-tests.ts";
import { normalised } from "./normalise.ts";
import { readPvTest } from "./pv-test.ts";
import { packTestFiles, programFile } from "./test-files.ts";
import { readsFactory, revisionOf } from "./test-revision.ts";
import { neededPrograms, stageTarballs, whySkipped } from "./why-skipped.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures/pv-tests");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-pv-test-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function made(json: object, script = "echo\n") {
  const own = join(folder, "scope/category/name");
  mkdirSync(join(own, "resources"), { recursive: true });
  writeFileSync(join(own, "resources/test"), script);
  const base = { "#spec": "pv-test@1", "test-script": "resources/test" };
  writeFileSync(join(own, "test.json"), JSON.stringify({ ...base, ...json }));
  return readPvTest(own);
}

test("every directory with a test.json is found, below folders and by itself", () => {
  const all = [...namesOf(findTests([FIXTURES])).keys()];
  expect(all).toContain("local-first-settings");
  expect(all).toHaveLength(9);
  expect([...namesOf(findTests([join(FIXTURES, "local/second/stdout")]))]).toEqual([
    ["local-second-stdout", join(FIXTURES, "local/second/stdout")],
  ]);
  expect(() => findTests([join(folder, "nowhere")])).toThrow(/ENOENT/);
});

test("tests of two checkouts have names of their own", () => {
  expect([...namesOf(["/a/l/c/t", "/b/l/c/t", "/b/l/c/u"])]).toEqual([
    ["l-c-t", "/a/l/c/t"],
    ["l-c-t-2", "/b/l/c/t"],
    ["l-c-u", "/b/l/c/u"],
  ]);
});

test("both generations are read", () => {
  const first = readPvTest(join(FIXTURES, "local/first/settings"));
  expect(first).toMatchObject({
    id: "local/first/settings",
    generation: 1,
    environment: { PV_UPDATER_GOALS_TIMEOUT: "13", PV_LOG_CAPTURE_DMESG: "0" },
    cmdline: "pv_updater.commit.delay=7",
  });
  const second = readPvTest(join(FIXTURES, "local/second/stdout"));
  expect(second).toMatchObject({ generation: 2, userMeta: { "tests.colour": "green" } });
  expect(made({ setup: { config: { env: "PV_A=1", usrmeta: "PV_B=2" } } })).toMatchObject({
    generation: 2,
    environment: { PV_A: "1" },
    userMeta: { PV_B: "2" },
  });
});

test("a test.json that is none, or names what is not there, is told with its file", () => {
  const bad = expect.objectContaining({ code: "PVH_BAD_TEST", class: "usage" }) as Error;
  expect(() => readPvTest(join(FIXTURES, "local/faults/broken"))).toThrow(bad);
  expect(() => made({ "#spec": "pv-test@2" })).toThrow(/#spec/);
  expect(() => made({ "test-script": "resources/other" })).toThrow(/no file/);
  expect(() => made({ "test-script": "../../../../etc/passwd" })).toThrow(/not in the directory/);
  expect(() => made({ setup: { env: "PV_A=1 nonsense" } })).toThrow(/'nonsense' is not K=V/);
});

test("what a test needs and this machine lacks is a reason by name", () => {
  const why = (json: object, script?: string) => {
    const one = made(json, script);
    return whySkipped(one, stageTarballs(one, []));
  };
  expect(why({})).toBeUndefined();
  expect(why({ skip: "true" })).toBe("its test.json says skip");
  expect(why({ setup: { env: "PV_CONTROL_REMOTE=1" } })).toMatch(/needs the cloud/);
  expect(why({ setup: { "self-claim": "true" } })).toMatch(/needs the cloud/);
  expect(why({ devices: ["rpi64"] })).toBe("it is for rpi64");
  expect(why({ setup: { containers: { urls: ["http://x"] } } })).toBe("it downloads http://x");
  expect(why({}, "\nsudo -n modprobe mac80211_hwsim\n")).toMatch(/modprobe mac80211_hwsim/);
  expect(why({ setup: { containers: { tarballs: ["../x.tgz"] } } })).toMatch(
    /missing: \.\.\/x\.tgz/,
  );
});

test("a tarball is taken from the folders that are named, by either name", () => {
  const one = made({ setup: { containers: { tarballs: ["../../common/a.tgz"] } } });
  writeFileSync(join(folder, "a.pvrexport.tgz"), "");
  expect(stageTarballs(one, [folder])).toEqual({
    paths: [join(folder, "a.pvrexport.tgz")],
    missing: [],
  });
});

test("a signer that has ended keeps a test that verifies signatures from running, and no other", async () => {
  const keys = join(FIXTURES, "../secureboot");
  const pem = (name: string) => readFileSync(join(keys, name), "utf8");
  const signed = (signer: string) =>
    signState({ "#spec": "pantavisor-service-system@1", "a/b.json": {} }, ["a/b.json"], {
      part: "a",
      include: ["a/**"],
      key: pem(`${signer}.key`),
      certificate: pem(`${signer}.crt`),
    }) as JsonObject;
  const [good, ended] = [join(folder, "good.tgz"), join(folder, "ended.tgz")];
  await writeExport(good, { fragment: signed("signer"), objects: new Map() });
  await writeExport(ended, { fragment: signed("expired"), objects: new Map() });
  const strict = made({ setup: { env: "PV_SECUREBOOT_MODE=strict" } });
  const now = Date.now();
  expect(await expiredSigner(strict, [good], now)).toBeUndefined();
  expect(await expiredSigner(strict, [good, ended], now)).toMatch(
    /^the certificate that signed ended\.tgz ended on 2021-/,
  );
  expect(await expiredSigner(made({}), [ended], now)).toBeUndefined();
});

test("a test of the second generation that reads revision 0 is told from others", () => {
  const second = { setup: { usrmeta: "" } };
  expect(readsFactory(made(second, "pvcontrol steps get 0 | jq keys\n"))).toBe(true);
  expect(readsFactory(made(second, "pvcontrol steps get 01\npvcontrol steps get current\n"))).toBe(
    false,
  );
  expect(readsFactory(made({}, "pvcontrol steps get 0\n"))).toBe(false);
  expect(revisionOf(made(second))).toBe("locals/scope_category_name");
});

test("programs that a script calls are told from words", () => {
  const script = "# pvr clone\necho pvr is here\nx=$(pvcontrol ls | jq -r .)\n";
  expect(neededPrograms(made({}, script))).toEqual(["jq"]);
  expect(neededPrograms(made({}, "cd x; pvr add .\n"))).toEqual(["pvr"]);
});

test("a program comes into the appengine with its test, and can be run there", async () => {
  const file = join(folder, "pvr");
  writeFileSync(file, "#!/bin/sh\n");
  const packed = await packTestFiles(made({}), [programFile("usr/bin/pvr", file)]);
  const modes = new Map<string, number | undefined>();
  for await (const entry of packed.pipe(tar.extract())) {
    modes.set(entry.header.name, entry.header.mode);
    entry.resume();
  }
  expect([...modes]).toContainEqual(["usr/bin/pvr", 0o755]);
  expect(() => programFile("usr/bin/pvr", folder)).toThrow(/is no file/);
});

test("each generation drops its own lines, on both sides", () => {
  const traced = "+ echo a\r\na\r\n$ b\n[pvtest] 17 DEBUG -- [test-script]: echo\n";
  expect(compareGolden(traced, "a\n", { generation: 1 })).toEqual({ isSame: true, diff: "" });
  const { isSame, diff } = compareGolden("+ a\nb\n", "b\n", { generation: 2 });
  expect(isSame).toBe(false);
  expect(diff).toContain("-+ a");
});

test("normalised, only what says something differs", () => {
  const one = 'x\n\n{ "b": 1, "a": {"pid": 7, "t": "2026-11-30T10:00:00Z"} }\n';
  const other = 'x\n{\n  "a": {\n    "t": "2025-01-01T00:00:00Z",\n    "pid": 9\n  },\n "b": 1 }\n';
  expect(compareGolden(one, other, { generation: 2 }).isSame).toBe(false);
  expect(compareGolden(one, other, { generation: 2, normalise: true }).isSame).toBe(true);
  const third = other.replace('"b": 1', '"b": 2');
  expect(compareGolden(one, third, { generation: 2, normalise: true }).isSame).toBe(false);
});

test("normalising ends for any text, and doing it twice changes nothing more", () => {
  const word = fc.constantFrom("{", "}", "[", "]", '"a"', ":", ",", "\n", "1", "x", '{"pid":1}');
  fc.assert(
    fc.property(
      fc.array(fc.oneof(word, fc.string({ maxLength: 4 })), { maxLength: 40 }),
      (words) => {
        const once = normalised(words.join(""));
        expect(normalised(once)).toBe(once);
      },
    ),
    { numRuns: 500 },
  );
});

test("a link to a folder is not followed", () => {
  cpSync(join(FIXTURES, "local/second"), join(folder, "second"), { recursive: true });
  symlinkSync(folder, join(folder, "circle"));
  expect(findTests([folder])).toHaveLength(1);
});
