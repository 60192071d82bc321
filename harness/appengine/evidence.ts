/** A file of evidence: path inside the evidence folder, and what it is. */
export interface Evidence {
  readonly path: string;
  readonly what: string;
  /** What of it is missing, in one line. */
  readonly missing?: string;
}
