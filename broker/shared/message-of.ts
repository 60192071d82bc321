/** Message of something that was thrown, an Error or not. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
