import { expect, test } from "vitest";
import { none, parseQuirks } from "../shared/quirks/quirks.ts";
import type { GuestImport } from "./engines/engine.ts";
import { refuseUngranted } from "./grants.ts";
import { dbusModule } from "./dbus/module.ts";
import { httpModule } from "./http/module.ts";

const modules = new Map([
  ["pantavisor_http", httpModule([], new Map(), none)],
  ["pantavisor_dbus", dbusModule([])],
]);
const service = (type?: string) => ({ name: "s", type, socket: "/s" });
const of = (module: string, name: string, kind = "function"): GuestImport => ({
  module,
  name,
  kind,
});
const request = of("pantavisor_http", "request");
const accept = of("pantavisor_http", "accept");
const read = of("pantavisor_http", "read");

function problem(
  imports: readonly GuestImport[],
  requires: readonly ReturnType<typeof service>[] = [],
  provides: readonly ReturnType<typeof service>[] = [],
  quirks = none,
): string {
  try {
    refuseUngranted(imports, modules, { requires, provides }, quirks);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

test("a function is granted by a service of its type, and by one whose type is not stated", () => {
  expect(problem([request, read], [service("rest")])).toBe("");
  expect(problem([request], [service()])).toBe("");
  expect(problem([request], [service("dbus")])).toBe(
    "import pantavisor_http.request is not granted: run.json requires no service of type rest",
  );
});

test("a provider may accept and read, and not make requests", () => {
  expect(problem([accept, read], [], [service("rest")])).toBe("");
  expect(problem([request], [], [service("rest")])).toMatch(/requires no service of type rest/);
  expect(problem([accept], [service("rest")])).toMatch(/services\.json exports no service/);
});

test("each import is named that is not granted, is unknown or is no function", () => {
  const imports = [
    request,
    of("env", "memory", "memory"),
    of("pantavisor_dbus", "hack"),
    of("pantavisor_http", "toString"),
    of("pantavisor_http", "__proto__"),
  ];
  expect(problem(imports, [service("rest")]).split("; ")).toEqual([
    "import env.memory is a memory: a guest may import functions alone",
    "import pantavisor_dbus.hack is unknown",
    "import pantavisor_http.toString is unknown",
    "import pantavisor_http.__proto__ is unknown",
  ]);
});

test("of a hundred thousand imports ten are named", () => {
  const many = Array.from({ length: 100_000 }, (_, index) => of("env", `f${index}`));
  expect(problem(many).split("; ").at(-1)).toBe("99990 imports more");
});

test("unknown functions are refused under the quirk that grants all", () => {
  const quirks = parseQuirks("wasm-all-imports");
  expect(problem([request], [], [], quirks)).toBe("");
  expect(problem([of("env", "f")], [], [], quirks)).toMatch(/unknown/);
});
