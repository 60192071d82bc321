/** Keys of exports that stand before their container's run.json. */
export function exportsBeforeRun(entries: readonly (readonly [string, unknown])[]): Set<string> {
  const keys = entries.map(([key]) => key);
  const early = keys.filter((key, index) => {
    const name = /^([^/]+)\/services\.json$/.exec(key)?.[1];
    return name !== undefined && keys.indexOf(`${name}/run.json`) > index;
  });
  return new Set(early);
}

/** A run.json without what stands for a requirement's target. */
export function withoutTargetAliases(value: unknown): unknown {
  const copy = structuredClone(value) as {
    services?: Record<string, Record<string, unknown>[] | undefined>;
  } | null;
  for (const requirement of Object.values(copy?.services ?? {}).flat()) {
    if (typeof requirement !== "object" || "target" in requirement) continue;
    delete requirement["socket"];
    if (String(requirement["interface"]).startsWith("/")) delete requirement["interface"];
  }
  return copy;
}

/** A run.json whose plain strings are requirements without a name, which nobody provides. */
export function withNamelessStrings(value: unknown): unknown {
  const copy = structuredClone(value) as { services?: Record<string, unknown[]> } | null;
  for (const [kind, list] of Object.entries(copy?.services ?? {})) {
    if (copy?.services === undefined) continue;
    copy.services[kind] = list.map((one) => (typeof one === "string" ? { name: "(null)" } : one));
  }
  return copy;
}
