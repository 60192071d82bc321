/** Columns of text, as wide as they need to be. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Columns that keep their width: the others give way first. */
const NARROW = 12;

/** The same, at most `columns` wide: the widest columns are cut, with an ellipsis. */
export function fittedTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const gaps = 2 * (head.length - 1);
  let over = widths.reduce((sum, width) => sum + width, gaps) - columns;
  while (over > 0) {
    const widest = Math.max(...widths);
    if (widest <= NARROW) break;
    const at = widths.indexOf(widest);
    const next = Math.max(NARROW, ...widths.filter((width) => width < widest));
    const cut = Math.min(over, Math.max(1, widest - next));
    widths[at] = widest - cut;
    over -= cut;
  }
  const fit = (cell: string, column: number): string => {
    const width = widths[column] ?? 0;
    return cell.length <= width ? cell : `${cell.slice(0, Math.max(0, width - 1))}…`;
  };
  return table(
    head.map(fit),
    rows.map((row) => row.map(fit)),
  );
}
