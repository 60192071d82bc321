import { HOSTED_BUS, NO_ROLE } from "../../shared/formats/hosted-bus.ts";
import { SAFE_NAME } from "../../shared/formats/names.ts";
import type { ContainerDefinition } from "../../shared/formats/state.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";

/** Most names of one role: each is a rule of its links, and the broker takes no more of them. */
const MOST_NAMES = 256;

/** dbus-daemon looks each role up in its passwd, which has all of them: it takes the square of this. */
const MOST_ROLES = 1024;

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
  const grants = new Map(
    rolesOf(containers).map((role) => [role, { own: new Set<string>(), talk: new Set<string>() }]),
  );
  for (const { owns, role, allow } of owned) {
    grants.get(role)?.own.add(owns);
    for (const one of [role, ...allow]) grants.get(one)?.talk.add(owns);
  }
  for (const { own, talk } of grants.values()) {
    if (quirks.has("hosted-bus-own-any")) for (const { owns } of owned) own.add(owns);
    if (quirks.has("hosted-bus-open")) for (const { owns } of owned) talk.add(owns);
  }
  return grants;
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
  const grants = grantsOf(containers, quirks);
  if (grants.size > MOST_ROLES) {
    return `state: ${grants.size} roles on the hosted bus are more than ${MOST_ROLES}`;
  }
  for (const [role, { talk }] of grants) {
    if (talk.size > MOST_NAMES) return `state: role '${role}' is for more than ${MOST_NAMES} names`;
  }
  return undefined;
}
