import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROPERTY_RUNS } from "../shared/formats/property-runs.fixture.ts";
import { QUIRKS } from "../shared/quirks/names.ts";
import type { QuirkName } from "../shared/quirks/names.ts";
import { parseQuirks } from "../shared/quirks/quirks.ts";
import { toConfig } from "./appengine-config.ts";
import { parseOptions } from "./appengine-options.ts";
import { haltSignal } from "./runtimes/halt-signal.ts";
import { exitCodeFromLog, startErrorFromLog } from "./runtimes/lxc-config.ts";
import { ociConfig } from "./runtimes/oci-config.ts";
import { formatLine } from "./pantavisor-log.ts";
import { afterExit } from "./supervisor.ts";
import { mountsBelow } from "./runtimes/volumes.ts";

const key = fc.constantFrom(
  "PV_OEM_NAME",
  "PV_STORAGE_MNTPOINT",
  "PV_A",
  "PV_UPDATER_COMMIT_DELAY",
);

describe("a configuration", () => {
  it("is the last line of each key, below the environment", () => {
    const value = fc.constantFrom("7", "/a b", "x=y", "", "#");
    const line = fc.oneof(
      fc.tuple(key, value).map(([name, text]) => ({ name, text, line: ` ${name}=${text}\t` })),
      fc.constantFrom("", "# PV_A=0", "lower=1", "=", "PV_A", "\0").map((line) => ({ line })),
    );
    const environment = fc.dictionary(
      fc.constantFrom("PV_OEM_NAME", "PH_CREDS_ID", "HOME"),
      value,
      {
        maxKeys: 2,
      },
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), environment, (lines, variables) => {
        const all = new Map<string, string>();
        for (const one of lines) if ("name" in one) all.set(one.name, one.text);
        for (const [name, text] of Object.entries(variables))
          if (name !== "HOME") all.set(name, text);
        const read = () => toConfig(lines.map((one) => one.line).join("\n"), variables);
        const delay = all.get("PV_UPDATER_COMMIT_DELAY") ?? "7";
        if (delay !== "7") {
          expect(read).toThrow(/^PV_UPDATER_COMMIT_DELAY=.* is not a number$/);
          return;
        }
        const { values } = read();
        all.delete("PV_A");
        for (const [name, value] of all) {
          const layer = Object.hasOwn(variables, name) ? "env" : "pv conf file";
          expect(values.get(name)).toEqual({ value, layer });
        }
        const changed = [...values.values()].filter(({ layer }) => layer !== "default");
        expect(changed.length).toBe(all.size);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("of a command line is read, or refused by an Error", () => {
    const word = fc.constantFrom(
      "-e",
      "-d",
      "-c",
      "-h",
      "A=1 B=2",
      "1=2",
      "A",
      "3",
      "-1",
      "x",
      "--",
      "1.5",
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (words) => {
        let options;
        try {
          options = parseOptions(words);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          return;
        }
        expect(options.delaySeconds).toBeGreaterThanOrEqual(0);
        for (const name of Object.keys(options.environment)) expect(name).toMatch(/^[A-Za-z_]\w*$/);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("of quirks turns on what it names, for the type that it names", () => {
    const names = Object.keys(QUIRKS) as QuirkName[];
    const item = fc.record({
      name: fc.constantFrom(...names),
      type: fc.constantFrom(undefined, "unix", "rest"),
    });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 4 }), fc.constantFrom(...names), (items, asked) => {
        const text = items.map(({ name, type }) => (type === undefined ? name : `${name}:${type}`));
        const quirks = parseQuirks(text.join(" , "));
        const isOn = (type?: string) =>
          items.some((one) => one.name === asked && (one.type === undefined || one.type === type));
        expect(quirks.has(asked)).toBe(isOn());
        expect(quirks.has(asked, "unix")).toBe(isOn("unix"));
        expect(() => parseQuirks([...text, "no-such-quirk"].join())).toThrow("no-such-quirk");
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("of an OCI container is an object with ours in it, or refused by an Error", () => {
    const piece = fc.constantFrom(
      '{"process":{"args":["a"]}',
      "}",
      ',"mounts":[]',
      ',"hooks":{}',
      "[]",
      "x",
    );
    const ours = { name: "n", root: "/r", controlSocket: "/c", environment: { A: "1" } };
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 5 }), (pieces) => {
        let made;
        try {
          made = ociConfig(pieces.join(""), ours);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
          return;
        }
        expect(made).toMatchObject({
          hostname: "n",
          root: { path: "/r" },
          process: { env: ["A=1"] },
        });
        expect(made).not.toHaveProperty("hooks");
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

describe("what a machine writes", () => {
  it("into a log is one line, whatever it holds", () => {
    const text = fc
      .array(fc.constantFrom("a", "\n", "\r", "\0", "\t", "\x7f", "é", "[x]: "), { maxLength: 12 })
      .map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(text, fc.double({ min: 0, max: 1e6, noNaN: true }), (message, uptime) => {
        const line = formatLine(uptime, "INFO", "state", message);
        expect(line.indexOf("\n")).toBe(line.length - 1);
        const [, seconds, rest] =
          /^\[pantavisor\] (\d+) INFO\t -- \[state\]: (.*)\n$/s.exec(line) ?? [];
        expect(Number(seconds)).toBe(Math.trunc(uptime));
        expect(rest).toHaveLength(message.length);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("of mounts gives those below a folder, the innermost first", () => {
    const name = fc.constantFrom("a", "a b", "a\\", "é", "tab\t");
    const octal = (path: string) =>
      path.replace(/[ \t\\]/g, (one) => `\\${one.charCodeAt(0).toString(8).padStart(3, "0")}`);
    const path = fc
      .array(name, { minLength: 1, maxLength: 3 })
      .map((parts) => `/${parts.join("/")}`);
    fc.assert(
      fc.property(fc.array(path, { maxLength: 5 }), path, (mounts, folder) => {
        const info = mounts
          .map((one) => `36 35 98:0 / ${octal(one)} rw - ext4 /dev/x rw`)
          .join("\n");
        expect(mountsBelow(folder, info)).toEqual(
          mounts.filter((one) => one.startsWith(`${folder}/`)).reverse(),
        );
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("of its ends and signals is read, and other text is no end", () => {
    const line = fc.oneof(
      fc.nat(255).map((code) => ({ text: `x Child <7> ended on error (${code})`, code })),
      fc.constant({ text: "x Child <7> ended on signal (9)", code: null }),
      fc
        .constantFrom("Child ended", "Child <x> ended on error (1)", "", "lxc ERROR x")
        .map((text) => ({
          text,
          code: undefined,
        })),
    );
    const mask = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), mask, (lines, caught) => {
        const log = lines.map(({ text }) => text).join("\n");
        const codes = lines.flatMap(({ code }) => (code === undefined ? [] : [code]));
        expect(exitCodeFromLog(log)).toBe(codes.length === 0 ? 0 : codes.at(-1));
        expect(startErrorFromLog(log)).toBeUndefined();
        const has = (signal: bigint) => (caught >> (signal - 1n)) % 2n === 1n;
        expect(
          haltSignal(`Name:\tx\nSigCgt:\t${caught.toString(16).padStart(16, "0")}\nX: 1`),
        ).toBe(has(30n) ? "SIGPWR" : has(15n) ? "SIGTERM" : undefined);
        const code = codes.at(-1) ?? 0;
        const next = afterExit(code, null, false);
        expect(next.kind).toBe(code === 0 || code >= 128 ? "again" : "leave");
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});
