/** One thing the linter has to say about an export. */
export interface Finding {
  /** An `error` keeps Pantavisor or the broker from doing what the manifest says. */
  readonly level: "error" | "warning";
  /** Stable name of the kind of finding, in kebab-case. */
  readonly code: string;
  /** Key of the state and, after `#`, a JSON pointer in its value. */
  readonly path: string;
  /** `FILE:LINE:COLUMN` in a container's folder, where it can be told. */
  readonly at?: string;
  readonly message: string;
  readonly fix: string;
}

export type Report = (finding: Finding) => void;
