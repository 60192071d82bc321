import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FOLDER, PACKAGES, generate } from "./wayland-interfaces.ts";
import { readProtocol } from "./wayland-xml.ts";

const missing = Object.entries(PACKAGES).flatMap(([name, file]) => (existsSync(file) ? [] : name));
const needs = missing.length === 0 ? "" : ` (needs ${missing.join(", ")})`;

test.skipIf(missing.length > 0)(
  `the committed interfaces and notices are those of Debian's packages${needs}`,
  () => {
    const { json, notice } = generate();
    expect(readFileSync(join(FOLDER, "interfaces.json"), "utf8")).toBe(json);
    expect(readFileSync(join(FOLDER, "NOTICE"), "utf8")).toBe(notice);
  },
);

test("a protocol file is read with since, destructors, null, and both kinds of new_id", () => {
  const { interfaces, copyright } = readProtocol(`<?xml version="1.0"?>
    <protocol name="p">
      <copyright>
        Copyright &#169; A
          B
      </copyright>
      <interface name="one" version="3">
        <request name="bind"><arg name="n" type="uint"/><arg name="id" type="new_id"/></request>
        <request name="destroy" type="destructor" since="2"/>
        <request name="make">
          <description summary="text"/>
          <arg name="id" type="new_id" interface="two"/>
          <arg name="o" type="object" interface="two" allow-null="true"/>
          <arg name="fd" type="fd"/>
        </request>
        <event name="told" since="1"><arg name="s" type="string"/><arg name="a" type="array"/></event>
      </interface>
      <interface name="two" version="1"/>
    </protocol>`);
  expect(copyright).toBe("Copyright © A\nB");
  expect(Object.fromEntries(interfaces)).toEqual({
    one: {
      version: 3,
      requests: [
        { name: "bind", args: "usun" },
        { name: "destroy", since: 2, destructor: true, args: "" },
        { name: "make", args: "n?oh", creates: "two" },
      ],
      events: [{ name: "told", args: "sa" }],
    },
    two: { version: 1, requests: [], events: [] },
  });
});

test("an argument of a type that is unknown is an error", () => {
  const xml = `<protocol name="p"><interface name="i" version="1"><request name="r">
    <arg name="x" type="float"/></request></interface></protocol>`;
  expect(() => readProtocol(xml)).toThrow('unknown argument type "float"');
});
