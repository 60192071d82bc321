import fc from "fast-check";
import { expect, it } from "vitest";
import { PROPERTY_RUNS } from "../../../shared/formats/property-runs.fixture.ts";
import { none } from "../../../shared/quirks/quirks.ts";
import { dbusIdentity } from "./identity.ts";
import type { Link, Toolbox } from "../plugin.ts";

const NOBODY = { uid: 65_534, gid: 65_534, groups: [] };

interface Given {
  readonly role: string;
  /** Uid in the graph entry. */
  readonly uid?: number | undefined;
  readonly passwd: string | undefined;
  readonly group?: string | undefined;
}

function identityOf({ role, uid, passwd, group }: Given) {
  const entry = { ...(uid !== undefined && { uid }) };
  const link = { role, provider: "p", entry } as unknown as Link;
  const files: Record<string, string | undefined> = { "/etc/passwd": passwd, "/etc/group": group };
  const lines: string[] = [];
  const tools = {
    quirks: none,
    log: (line: string) => lines.push(line),
    readProviderFile: (_: Link, path: string) => files[path],
  } as unknown as Toolbox;
  return { ...dbusIdentity(link, tools), lines };
}

const name = fc.constantFrom("root", "nobody", "app", "viewer", "any", "0", "1000");
const line = fc.oneof(
  fc
    .tuple(name, fc.constantFrom("0", "1000", "65534", "-1", "4294967295"), fc.nat(99))
    .map(([user, uid, gid]) => `${user}:x:${uid}:${gid}:::`),
  fc.string({ maxLength: 20 }),
);
const given = fc.record({
  role: fc.oneof(name, fc.string({ maxLength: 12 })),
  uid: fc.option(fc.constantFrom(0, 7, 1000), { nil: undefined }),
  passwd: fc.option(
    fc.array(line, { maxLength: 4 }).map((lines) => lines.join("\n")),
    { nil: undefined },
  ),
});

it("only who the graph, the role's number or the provider's accounts make root is root", () => {
  fc.assert(
    fc.property(given, ({ role, uid, passwd }) => {
      const made = identityOf({ role, uid, passwd });
      if (uid !== undefined) expect(made.uid).toBe(uid);
      else if (/^[0-9]{1,10}$/.test(role) && Number(role) < 2 ** 32 - 1)
        expect(made.uid).toBe(Number(role));
      else if (role === "any") expect(made).toMatchObject(NOBODY);
      else {
        const own = passwd?.split("\n").filter((one) => one.startsWith(`${role}:`)) ?? [];
        if (made.uid === 0) expect(own.some((one) => one.includes(":x:0:"))).toBe(true);
        if (own.length === 0) expect(made).toMatchObject(NOBODY);
      }
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

it("groups are the account's own; who has no account has none, and is named in the log", () => {
  const passwd = "app:x:1000:100:::\n";
  const group = "audio:x:29:app\nvideo:x:44:root,app\n";
  const app = { uid: 1000, gid: 100, groups: [29, 44], lines: [] };
  expect(identityOf({ role: "app", passwd, group })).toEqual(app);
  expect(identityOf({ role: "1000", passwd, group })).toEqual(app);
  expect(identityOf({ role: "ghost", passwd, group })).toEqual({
    ...NOBODY,
    lines: ["pvx-dbus: Role 'ghost' is not an account of p, using nobody"],
  });
});
