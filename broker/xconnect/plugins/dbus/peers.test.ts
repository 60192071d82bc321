import { expect, test } from "vitest";
import { DbusPeers } from "./peers.ts";
import { DbusPolicy } from "./policy.ts";

const SUBJECT = { path: "/p", interface: "i.j", member: "M" };
const make = () => new DbusPeers(new DbusPolicy([[{ access: "talk", name: "org.pvh.*" }]]));

test("names that a connection has given away make room for those that it takes", () => {
  const peers = make();
  for (let at = 0; at < 1_000; at += 1) {
    peers.owns(":1.1", `org.pvh.n${at}`);
    expect(peers.maySend(":1.1", SUBJECT)).toBe(true);
    peers.releases(":1.1", `org.pvh.n${at}`);
    expect(peers.maySend(":1.1", SUBJECT)).toBe(false);
  }
  expect(peers.hasOwned(":1.1", "org.pvh.n999")).toBe(true);
});

test("names of all connections together are limited, until some of them go", () => {
  const peers = make();
  const owners = Array.from({ length: 100 }, (_value, at) => `:1.${at}`);
  const names = Array.from({ length: 250 }, (_value, at) => `org.pvh.n${at}`);
  for (const owner of owners) for (const name of names) peers.owns(owner, name);
  const known = owners.flatMap((owner) => names.filter((name) => peers.hasOwned(owner, name)));
  expect(known).toHaveLength(16_384);
  peers.owns(":1.200", "org.pvh.late");
  expect(peers.maySend(":1.200", SUBJECT)).toBe(false);
  peers.forget(":1.1");
  for (const name of names) peers.releases(":1.2", name);
  for (const owner of [":1.201", ":1.202"]) {
    for (const name of names) peers.owns(owner, name);
    expect(names.every((name) => peers.hasOwned(owner, name))).toBe(true);
  }
});
