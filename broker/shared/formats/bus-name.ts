const WELL_KNOWN = /^[A-Za-z_-][A-Za-z0-9_-]*(?:\.[A-Za-z_-][A-Za-z0-9_-]*)+$/;
/** Characters of a name on a bus. */
export const MAX_BUS_NAME = 255;

/** True for a name that a service can have on a bus (D-Bus specification, "Valid Names"). */
export function isWellKnownName(text: string): boolean {
  return text.length <= MAX_BUS_NAME && WELL_KNOWN.test(text);
}
