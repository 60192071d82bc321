import { fittedTable, table } from "../../reports/table.ts";

/** A table on stdout: as wide as a terminal at most, whole where a program reads it. */
export function shownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const { isTTY, columns } = process.stdout;
  return isTTY && columns > 0 ? fittedTable(head, rows, columns) : table(head, rows);
}
