/** A failure of a build that is known, where its log tells of it. */
export interface KnownError {
  readonly line: number;
  readonly what: string;
  readonly mend: string;
}

interface KnownPattern {
  readonly pattern: RegExp;
  readonly what: string;
  readonly mend: string;
}

/** Failures of builds of the layer that have a fix. */
const KNOWN: readonly KnownPattern[] = [
  {
    pattern: /undefined reference to [`'"‘]?jsmnutil_traverse_token/,
    what: "pv-xconnect does not link: this libthttp does not export jsmnutil_traverse_token",
    mend:
      "build the libthttp that exports it: devtool modify libthttp, then pvh build --kas DIR --workspace " +
      "(first ./kas-container shell … -c 'bitbake -c cleansstate libthttp pantavisor')",
  },
  {
    pattern: /No recipes in default available for:|No recipes available for:/,
    what: "a bbappend fits no recipe",
    mend: "rename the append that the next lines name, or remove it: devtool reset NAME",
  },
  {
    pattern: /No space left on device/,
    what: "the disk is full",
    mend: "free some space: a build takes about 50 GB; build/tmp-* can be removed",
  },
];

/** The first line of each known error in a build's log. */
export function knownErrors(log: string): KnownError[] {
  const found = new Map<KnownPattern, KnownError>();
  let line = 0;
  for (const text of log.split("\n")) {
    line += 1;
    for (const one of KNOWN) {
      if (found.has(one) || !one.pattern.test(text)) continue;
      found.set(one, { line, what: one.what, mend: one.mend });
    }
    if (found.size === KNOWN.length) break;
  }
  return [...found.values()];
}
