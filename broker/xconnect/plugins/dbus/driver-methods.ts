export const DRIVER = "org.freedesktop.DBus";
const MONITORING = "org.freedesktop.DBus.Monitoring";

/**
 * The treatment of a call to the bus itself:
 *
 * - `pass`: allowed on any link
 * - `hello`, `add-match`, `remove-match`: passed, and remembered
 * - `own`, `queue`, `has-owner`, `owner`, `credentials`, `start`: depends on the name in the
 *   first argument
 * - `list`: passed, and the names in the reply are filtered
 * - `monitor`: only with a rule that names the interface
 * - `by-rule`: only with a rule for the name org.freedesktop.DBus
 */
export type DriverMethod =
  | "pass"
  | "hello"
  | "add-match"
  | "remove-match"
  | "own"
  | "queue"
  | "has-owner"
  | "owner"
  | "credentials"
  | "start"
  | "list"
  | "monitor"
  | "by-rule";

const METHODS: ReadonlyMap<string, ReadonlyMap<string, DriverMethod>> = new Map(
  Object.entries({
    [DRIVER]: {
      Hello: "hello",
      AddMatch: "add-match",
      RemoveMatch: "remove-match",
      GetId: "pass",
      RequestName: "own",
      ReleaseName: "own",
      ListQueuedOwners: "queue",
      NameHasOwner: "has-owner",
      GetNameOwner: "owner",
      StartServiceByName: "start",
      ListNames: "list",
      ListActivatableNames: "list",
      GetConnectionUnixUser: "credentials",
      GetConnectionUnixProcessID: "credentials",
      GetConnectionCredentials: "credentials",
      GetAdtAuditSessionData: "credentials",
      GetConnectionSELinuxSecurityContext: "credentials",
    },
    "org.freedesktop.DBus.Introspectable": { Introspect: "pass" },
    "org.freedesktop.DBus.Peer": { Ping: "pass", GetMachineId: "pass" },
    "org.freedesktop.DBus.Properties": { Get: "pass", GetAll: "pass" },
    [MONITORING]: { BecomeMonitor: "monitor" },
  } satisfies Record<string, Record<string, DriverMethod>>).map(([name, methods]) => [
    name,
    new Map(Object.entries(methods)),
  ]),
);

/**
 * @param interfaceName "" when the call leaves it out: the daemon then takes the first
 *        interface that has the member, and no member is in two of these
 */
export function driverMethod(interfaceName: string, member: string): DriverMethod {
  if (interfaceName !== "") return METHODS.get(interfaceName)?.get(member) ?? "by-rule";
  for (const methods of METHODS.values()) {
    const method = methods.get(member);
    if (method !== undefined) return method;
  }
  return "by-rule";
}
