import { execFile } from "node:child_process";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { inject } from "vitest";
import { expect } from "../harness/facts/expect.ts";
import { exportsOf } from "../harness/run/exports-of.ts";
import { scenario } from "../harness/run/scenario.ts";

const PROGRAM = join(import.meta.dirname, `library/greet${extname(import.meta.filename)}`);
const GREETER = join(import.meta.dirname, "greeter");

scenario(
  "examples",
  { summary: "an example: a program that uses pvh as a library", boot: "none" },
  ({ check }) => {
    check(
      "boot.library",
      "a program boots an appengine through the package",
      async ({ signal }) => {
        const words = [inject("pvh").image, ...(await exportsOf([GREETER], signal))];
        const argv = ["--conditions=pvh-source", PROGRAM, ...words];
        const { stdout } = await promisify(execFile)(process.execPath, argv, { signal });
        expect(stdout, "output of the program").toBe("greeter is STARTED\nhello Ada\n");
      },
      { timeout: 90_000 },
    );
  },
);
