/** A file of evidence: path inside the evidence folder, and what it is. */
export interface Evidence {
  readonly path: string;
  readonly what: string;
  /** Parts of it that are missing, in one line. */
  readonly missing?: string;
}
