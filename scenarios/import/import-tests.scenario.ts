import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { buffer } from "node:stream/consumers";
import { inject } from "vitest";
import { expect } from "../../harness/facts/expect.ts";
import { findEngine } from "../../harness/engine/find-engine.ts";
import { findTests } from "../../harness/import/find-tests.ts";
import { importTests } from "../../harness/import/import-tests.ts";
import { makeRunDirectory, newRunName } from "../../harness/run/run-directory.ts";
import { scenario } from "../../harness/run/scenario.ts";
import type { CheckContext } from "../../harness/run/scenario-definition.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures/pv-tests");

scenario(
  "import-tests",
  {
    summary: "pvh import runs directories of pv-test@1 as their format means it",
    boot: "none",
    requires: ["reference"],
  },
  ({ check }) => {
    check(
      "import.setup",
      "environment, configuration file, trust folder and ready script reach the appengine",
      async (context) => {
        await using tests = await Tests.of("local/first");
        const { verdicts } = await tests.run(context);
        expect(verdicts, "verdicts of the imported tests").toEqual({
          "local-first-settings": "passed",
        });
      },
      { timeout: 90_000 },
    );

    check(
      "import.golden",
      "stdout alone counts in the second generation, a difference fails with its diff, and --record mends it",
      async (context) => {
        await using tests = await Tests.of("local/second");
        const name = "local-second-stdout";
        const first = await tests.run(context);
        expect(first.verdicts, "verdict with its own golden").toEqual({ [name]: "passed" });
        const golden = join(tests.folder, "local/second/stdout/output");
        const text = readFileSync(golden, "utf8");
        writeFileSync(golden, text.replace("green", "red"));
        const second = await tests.run(context);
        expect(second.verdicts, "verdict with another golden").toEqual({ [name]: "failed" });
        expect(second.evidence(`${name}/diff`), "diff with the other golden").toContain(
          "-red\n+green\n",
        );
        expect(second.evidence("junit.xml"), "junit.xml of the failed import").toContain(
          "1 lines of the golden are missing",
        );
        const third = await tests.run(context, { record: true });
        expect(third.verdicts, "verdict when the golden is recorded").toEqual({ [name]: "passed" });
        expect(readFileSync(golden, "utf8"), "golden that was recorded").toBe(text);
      },
      { timeout: 150_000 },
    );

    check(
      "import.tester",
      "a script has a /tmp of its own, the tools' files are the appengine's, and so is revision 0",
      async (context) => {
        await using tests = await Tests.of("local/machine");
        const { verdicts } = await tests.run(context);
        expect(verdicts, "verdicts of the imported tests").toEqual({
          "local-machine-own": "passed",
        });
      },
      { timeout: 90_000 },
    );

    check(
      "import.faults",
      "what hangs, floods, leaks or is broken fails alone and in its deadline; what cannot run is skipped by name",
      async (context) => {
        await using tests = await Tests.of("local/faults");
        const { verdicts, evidence } = await tests.run(context, { deadline: 5_000 });
        expect(verdicts, "verdicts of the tests that cannot pass").toEqual({
          "local-faults-broken": "failed",
          "local-faults-claims": "skipped",
          "local-faults-endless": "failed",
          "local-faults-hangs": "failed",
          "local-faults-leaks": "passed",
          "local-faults-missing": "skipped",
        });
        const junit = evidence("junit.xml");
        expect(junit, "junit.xml about a test.json that is none").toContain("test.json: ");
        expect(junit, "junit.xml about a script that hangs").toMatch(
          /not done after 5000 ms: resources\/test/,
        );
        expect(junit, "junit.xml about a missing tarball").toContain(
          "missing: ../../common/tarballs/nowhere.tgz",
        );
        expect(junit, "junit.xml about a test of the cloud").toContain("it needs the cloud");
      },
      { timeout: 180_000 },
    );
  },
);

/** A copy of some of the fixtures, with an archive of keys for the trust folder. */
class Tests implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async of(part: string): Promise<Tests> {
    const folder = await mkdtemp(join(tmpdir(), "pvh-import-"));
    cpSync(join(FIXTURES, part), join(folder, part), { recursive: true });
    const keys = pack();
    keys.entry({ name: "pvs/own.pem" }, "a key of the tests\n");
    keys.finalize();
    mkdirSync(join(folder, "local/common/pvs"), { recursive: true });
    writeFileSync(join(folder, "local/common/pvs/own.tar.gz"), gzipSync(await buffer(keys)));
    return new Tests(folder);
  }

  async run(
    { signal, quirks }: CheckContext,
    { record = false, deadline = 20_000 }: { record?: boolean; deadline?: number } = {},
  ) {
    const directory = makeRunDirectory(newRunName(), this.folder);
    const { state } = await importTests(findTests([this.folder]), directory, {
      engine: await findEngine({ signal }),
      image: inject("pvh").image,
      imageId: undefined,
      profile: "strict",
      given: quirks,
      quirks,
      command: ["import", this.folder],
      signal,
      jobs: 2,
      deadline,
      tarballs: [],
      files: [],
      normalise: false,
      record,
      onEvent: () => undefined,
    });
    const verdicts = [...state.scenarios.values()].map(
      ({ name, attempts }) => [name, attempts.at(-1)?.verdict] as const,
    );
    return {
      verdicts: Object.fromEntries(verdicts),
      evidence: (path: string): string => {
        try {
          return readFileSync(join(directory.folder, path), "utf8");
        } catch {
          return "";
        }
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
