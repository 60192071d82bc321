import { expect, it } from "vitest";
import { parseOptions } from "./appengine-options.ts";

it("options have the real defaults", () => {
  expect(parseOptions([])).toEqual({ help: false, cmdline: "", environment: {}, delaySeconds: 5 });
});

it("all options together", () => {
  expect(parseOptions(["-c", "a=1 b=2", "-e", "K=V X=a=b", "-d", "0.5", "-h"])).toEqual({
    help: true,
    cmdline: "a=1 b=2",
    environment: { K: "V", X: "a=b" },
    delaySeconds: 0.5,
  });
});

it.each([[["-x"]], [["-d", "soon"]], [["-e", "novalue"]], [["extra"]]])("%j is refused", (args) => {
  expect(() => parseOptions(args)).toThrow();
});
