import { HOSTED_BUS, NO_ROLE } from "../../shared/formats/hosted-bus.ts";
import { SAFE_NAME } from "../../shared/formats/names.ts";
import type { ContainerDefinition } from "../../shared/formats/state.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";

/** Rights of a role on the hosted bus, as names of services. */
export interface BusGrants {
  readonly own: ReadonlySet<string>;
  /** Names that it may call, its own ones included. */
  readonly talk: ReadonlySet<string>;
}

/**
 * Rights of each role of a revision, in state order; a role that no entry allows anything has none.
 * The bus's policy and the rules of the broker's links both come from these.
 */
export function grantsOf(
  containers: readonly ContainerDefinition[],
  quirks: Quirks,
): ReadonlyMap<string, BusGrants> {
  const owned = containers.flatMap((container) => container.owned);
  const everyName = owned.map(({ owns }) => owns);
  return new Map(
    rolesOf(containers).map((role) => {
      const own = owned.filter((entry) => entry.role === role).map(({ owns }) => owns);
      const called = owned.filter(({ allow }) => allow.includes(role)).map(({ owns }) => owns);
      return [
        role,
        {
          own: new Set(quirks.has("hosted-bus-own-any") ? everyName : own),
          talk: new Set(quirks.has("hosted-bus-open") ? everyName : [...own, ...called]),
        },
      ];
    }),
  );
}

/** Roles that names are for, and those with which containers connect. */
function rolesOf(containers: readonly ContainerDefinition[]): string[] {
  const roles = containers.flatMap(({ owned, run: { services } }) => [
    ...owned.flatMap(({ role, allow }) => [role, ...allow]),
    ...[...services.required, ...services.optional].flatMap(({ name, role = NO_ROLE }) =>
      name === HOSTED_BUS.name && role !== NO_ROLE && SAFE_NAME.test(role) ? [role] : [],
    ),
  ]);
  return [...new Set(roles)];
}

/** @returns why a revision cannot run beside the hosted bus: its key, and what is wrong there */
export function busConflict(
  containers: readonly ContainerDefinition[],
  quirks: Quirks,
): string | undefined {
  if (quirks.has("hosted-bus-shadowed")) return undefined;
  const owners = new Map<string, string>();
  for (const { name, exports, owned } of containers) {
    if (name === HOSTED_BUS.provider) {
      return `${name}/run.json: name: '${name}' is pantavisor, which hosts the system bus`;
    }
    const manifest = `${name}/services.json`;
    if (exports.some((one) => one.name === HOSTED_BUS.name)) {
      return `${manifest}: name: '${HOSTED_BUS.name}' is the bus that pantavisor hosts`;
    }
    for (const { owns } of owned) {
      const other = owners.get(owns);
      if (other !== undefined) return `${manifest}: owns: '${owns}' is owned by '${other}'`;
      owners.set(owns, name);
    }
  }
  return undefined;
}
