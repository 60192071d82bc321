import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Conformance } from "../../reports/conformance.ts";
import { catalogue } from "./catalogue.ts";
import { columnOf, isOfAppengine, REAL_RECORD, realRecord, recordWith } from "./real-record.ts";

/**
 * `node harness/catalogue/write-column.main.ts CONFORMANCE.json`: put what `pvh conformance` measured on
 * 029-32 into its record, and write the catalogue's column `real` from that.
 */
const ROOT = resolve(import.meta.dirname, "../..");
const CATALOGUE = resolve(ROOT, "fixtures/catalogue.json");
const RECORD = resolve(ROOT, REAL_RECORD);

const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write("usage: write-column.main.ts CONFORMANCE.json\n");
  process.exit(64);
}
const conformance = JSON.parse(readFileSync(file, "utf8")) as Conformance;
if (conformance.against.reference !== "strict") {
  process.stderr.write(`${file} is not against strict: it does not say what is promised\n`);
  process.exit(64);
}
const rows = [...catalogue().values()];
const appengines = new Set(rows.filter(isOfAppengine).map(({ id }) => id));
const before = existsSync(RECORD)
  ? realRecord.parse(JSON.parse(readFileSync(RECORD, "utf8")))
  : undefined;
const today = new Date().toISOString().slice(0, 10);
const record = recordWith(before, conformance, today, (check) => appengines.has(check));
writeFileSync(RECORD, `${JSON.stringify(record, null, 2)}\n`);

const written = rows.map(({ realFrom: _before, ...row }) => {
  const column = columnOf(row, record.rows[row.id]);
  if (column.real !== row.real) process.stdout.write(`${row.id}: ${row.real} -> ${column.real}\n`);
  return { ...row, ...column };
});
writeFileSync(CATALOGUE, `${JSON.stringify(written, null, 1)}\n`);
