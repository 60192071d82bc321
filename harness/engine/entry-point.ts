/** An image's own entry point with its arguments; an engine may give one word, or null for none. */
export function entryPointOf(config: {
  readonly Entrypoint?: string | string[] | null | undefined;
  readonly Cmd?: string | string[] | null | undefined;
}): string[] {
  return [config.Entrypoint, config.Cmd].flat().filter((word) => word != null);
}
