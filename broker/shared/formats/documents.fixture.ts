import fc from "fast-check";
import { STATE_SPEC } from "./state.ts";

/** Valid documents for property tests: small, from few names, so that names repeat. */
export const containerName = fc.constantFrom("a", "b", "c", "web.1");
const service = fc.constantFrom("raw", "web", "bus");
const type = fc.constantFrom("unix", "rest", "dbus");
const path = fc.constantFrom("/run/a.sock", "/run/b/c.sock");
const few = { maxLength: 3 };

export const requirementDocument = fc.oneof(
  service,
  fc.record(
    {
      name: service,
      type,
      role: fc.constantFrom("any", "admin"),
      interface: fc.constantFrom("unix", "/run/i.sock"),
      target: path,
      socket: path,
      provider: containerName,
      fds: fc.constant(["memfd"]),
    },
    { requiredKeys: ["name"] },
  ),
);

export const recoveryDocument = fc.record(
  {
    policy: fc.constantFrom("no", "always", "on-failure", "unless-stopped"),
    max_retries: fc.nat(3),
    retry_delay: fc.nat(9),
    backoff_factor: fc.double({ min: 0, max: 4, noNaN: true }),
    reset_window: fc.nat(9),
    stable_timeout: fc.nat(9),
    backoff_policy: fc.constantFrom(7, "7", "7s", "7min", "2h", "reboot", "never"),
  },
  { requiredKeys: [] },
);

/** A run.json without its name. */
export const runDocument = fc.record(
  {
    type: fc.constantFrom("lxc", "runc"),
    config: fc.constantFrom("lxc.container.conf", "dm:x"),
    "root-volume": fc.constant("root.squashfs"),
    volumes: fc.array(fc.constantFrom("v1", "dm:v2"), few),
    storage: fc.constant({ "lxc-overlay": { persistence: "boot" } }),
    group: fc.constantFrom("root", "app"),
    restart_policy: fc.constantFrom("system", "container"),
    status_goal: fc.constantFrom("MOUNTED", "STARTED", "READY"),
    roles: fc.constant(["mgmt"]),
    auto_recovery: recoveryDocument,
    drivers: fc.constant({ required: ["wifi"] }),
    services: fc.record(
      {
        required: fc.array(requirementDocument, few),
        optional: fc.array(requirementDocument, few),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);

const role = fc.constantFrom("operator", "r.1", "__proto__");
/** Names on the hosted bus. */
const ownedNames = fc.array(
  fc.record(
    {
      type: fc.constant("dbus"),
      bus: fc.constant("system-bus"),
      owns: fc.constantFrom("org.example.A", "a-b._c"),
      role,
      allow: fc.array(role, { maxLength: 2 }),
    },
    { requiredKeys: ["type", "owns"] },
  ),
  { maxLength: 2 },
);

export const servicesDocument = fc
  .uniqueArray(
    fc.record(
      { name: service, type, socket: path, fds: fc.constant(["memfd", "pipe"]) },
      { requiredKeys: ["name", "type", "socket"] },
    ),
    { maxLength: 3, selector: (one) => `${one.name} ${one.type}` },
  )
  .chain((exports) => ownedNames.map((owned) => [...exports, ...owned]))
  .chain((services) => fc.constantFrom<unknown>(services, { services }));

export const groupsDocument = fc.uniqueArray(
  fc.record(
    {
      name: fc.constantFrom("root", "app", "platform"),
      restart_policy: fc.constantFrom("system", "container"),
      status_goal: fc.constantFrom("MOUNTED", "STARTED", "READY"),
      timeout: fc.integer({ min: 1, max: 60 }),
      auto_recovery: recoveryDocument,
    },
    { requiredKeys: ["name"] },
  ),
  { minLength: 1, maxLength: 3, selector: ({ name }) => name },
);

const part = fc.record({
  name: containerName,
  run: runDocument,
  services: fc.option(servicesDocument, { nil: undefined }),
});

interface StateDocument {
  /** Names of the state's containers, in its order. */
  readonly names: readonly string[];
  readonly document: Readonly<Record<string, unknown>>;
}

export const stateDocument = fc
  .record({
    parts: fc.uniqueArray(part, { maxLength: 3, selector: ({ name }) => name }),
    groups: fc.option(groupsDocument, { nil: undefined }),
    drivers: fc.boolean(),
  })
  .map(({ parts, groups, drivers }): StateDocument => ({
    names: parts.map(({ name }) => name),
    document: {
      "#spec": STATE_SPEC,
      ...Object.fromEntries(
        parts.flatMap(({ name, run, services }): [string, unknown][] => [
          [`${name}/run.json`, { "#spec": "service-manifest-run@1", name, ...run }],
          [`${name}/root.squashfs`, "0".repeat(64)],
          ...(services === undefined ? [] : pair(`${name}/services.json`, services)),
        ]),
      ),
      ...(groups === undefined ? {} : { "groups.json": groups }),
      ...(drivers && {
        "bsp/drivers.json": { "#spec": "driver-aliases@1", all: { wifi: ["x y=1"] } },
      }),
    },
  }));

function pair(key: string, value: unknown): [string, unknown][] {
  return [[key, value]];
}

/** Values of every type that no valid document has. */
const odd = fc.constantFrom<unknown>(
  ...[null, true, -1, 0.5, 1e308, "", "..", "/a/../b", "a\nb", "__proto__", "x".repeat(300)],
  ...[[], [null], [[[]]], {}, { name: 7 }, { __proto__: null, constructor: {} }],
);

/** The documents, as they are or with a few values replaced or added, at any depth. */
export function damaged(document: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const change = fc.record({ path: fc.array(fc.nat(30), { maxLength: 6 }), value: odd });
  return fc
    .tuple(document, fc.array(change, { maxLength: 3 }))
    .map(([whole, changes]) =>
      changes.reduce((value, change) => replaced(value, change.path, change.value), whole),
    );
}

function replaced(value: unknown, [step, ...rest]: readonly number[], by: unknown): unknown {
  if (step === undefined || typeof value !== "object" || value === null) return by;
  if (Array.isArray(value)) {
    const list: readonly unknown[] = value;
    const at = step % (list.length + 1);
    return list.toSpliced(at, 1, replaced(list[at], rest, by));
  }
  const entries: [string, unknown][] = Object.entries(value);
  const at = step % (entries.length + 1);
  const [key, old] = entries[at] ?? [typeof by === "string" ? by : "more", by];
  // Object.fromEntries makes `__proto__` a key like any other, as JSON.parse does.
  return Object.fromEntries(entries.toSpliced(at, 1, [key, replaced(old, rest, by)]));
}
