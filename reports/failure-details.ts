/** A value that a check judged, in the words of its domain. */
export interface Fact {
  /** The value's name: "uid of the connection at the provider's bus". */
  readonly what: string;
  /** "0 (root)" */
  readonly actual: string;
  /** "65534 (nobody)" */
  readonly promised: string;
  /** Lines of both sides, for a structure; `-` what came, `+` what was promised. */
  readonly diff?: readonly string[];
}

/** A wait that ended without the thing that it waited for. */
export interface Wait {
  /** The thing that did not come. */
  readonly missing: string;
  /** Milliseconds that it may take. */
  readonly ms: number;
  /** The last reply or output that the wait looked at, or the error of its last look. */
  readonly seen?: Quote;
}

/** Lines of a text, with the place that they come from. */
export interface Quote {
  readonly from: string;
  readonly lines: readonly string[];
}

/** Lines of a file around the one that failed. */
export interface CodeExcerpt {
  /** Path relative to the clone. */
  readonly file: string;
  /** Number of the line that failed. */
  readonly line: number;
  /** Number of the first of the lines. */
  readonly from: number;
  readonly lines: readonly string[];
}

/** A known cause that the evidence shows. */
export interface Diagnosis {
  /** Id of the rule in harness/diagnosis. */
  readonly rule: string;
  readonly cause: string;
  /** The next thing to do: a command, or what to change. */
  readonly fix: string;
  /** Document that tells of the cause. */
  readonly source: string;
  /** Lines of the evidence that show it. */
  readonly evidence: readonly Quote[];
}

/** Parts of a failure beyond its message. */
export interface FailureDetails {
  readonly fact?: Fact;
  readonly wait?: Wait;
  readonly excerpt?: CodeExcerpt;
  /** Lines that tell most, such as the last ones of a container's console. */
  readonly quotes?: readonly Quote[];
  /** Known causes, the likeliest first. Empty: none is known of. */
  readonly diagnoses?: readonly Diagnosis[];
}
