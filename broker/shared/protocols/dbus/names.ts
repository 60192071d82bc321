import { MAX_BUS_NAME, isWellKnownName } from "../../formats/bus-name.ts";

/** Forms of names (D-Bus specification, "Valid Names" and "Valid Object Paths"). */
const UNIQUE = /^:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+$/;
const INTERFACE = /^[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+$/;
const MEMBER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const PATH = /^\/(?:[A-Za-z0-9_]+(?:\/[A-Za-z0-9_]+)*)?$/;

export function isUniqueName(text: string): boolean {
  return text.length <= MAX_BUS_NAME && UNIQUE.test(text);
}

export function isBusName(text: string): boolean {
  return text.startsWith(":") ? isUniqueName(text) : isWellKnownName(text);
}

/** True for a valid interface name; error names have the same form. */
export function isInterfaceName(text: string): boolean {
  return text.length <= MAX_BUS_NAME && INTERFACE.test(text);
}

export function isMemberName(text: string): boolean {
  return text.length <= MAX_BUS_NAME && MEMBER.test(text);
}

export function isObjectPath(text: string): boolean {
  return PATH.test(text);
}
