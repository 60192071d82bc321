/** Globals without which stock clients do not work. Many crash, some exit without a word. */
const BASICS = ["wl_compositor", "wl_shm", "xdg_wm_base", "wl_seat"];

/** Milliseconds from asking for the globals within which a session's end looks like a crash. */
export const SUDDEN_END = 1_000;

/**
 * The hint for a session that has ended so soon.
 * @param hidden interfaces that the compositor offers and the link hides
 * @returns undefined when no basic global is hidden
 */
export function hiddenBasicsHint(hidden: ReadonlySet<string>): string | undefined {
  const names = BASICS.filter((name) => hidden.has(name));
  if (names.length === 0) return undefined;
  return `the link hides ${names.join(", ")}, without which many clients crash`;
}
