/**
 * A check as mutants run it: `CHECK` in strict, or `CHECK@QUIRK`. Both are recorded under that id.
 */
export interface Variant {
  readonly check: string;
  /** The one quirk that is on. */
  readonly quirk?: string;
}

export function variantId({ check, quirk }: Variant): string {
  return quirk === undefined ? check : `${check}@${quirk}`;
}

export function toVariant(id: string): Variant {
  const [check = "", quirk] = id.split("@");
  return { check, ...(quirk !== undefined && { quirk }) };
}
