import type { Report } from "./finding.ts";
import type { ReadExport } from "./read-export.ts";

type Oddity = ReadExport["oddities"] extends ReadonlyMap<infer K, string> ? K : never;

/** Messages and fixes for archives that pvh reads but Pantavisor's own pvtx does not. */
const WORDS: Readonly<Record<Oddity, readonly [message: string, fix: string]>> = {
  compression: [
    "Pantavisor's pvtx reads gzip and plain tar; this is another compression",
    "compress it with gzip",
  ],
  "dot-slash": [
    "Pantavisor's pvtx passes over names that begin with ./",
    "name the members when archiving: tar -c json objects",
  ],
  "extended-name": [
    "Pantavisor's pvtx does not read names from extended headers",
    "archive with tar --format=ustar",
  ],
  "no-end": [
    "the archive ends without blocks of zeros: it may have been cut between two members",
    "make the export again",
  ],
};

export function lintOddities(oddities: ReadExport["oddities"], report: Report): void {
  for (const [code, path] of oddities) {
    const [message, fix] = WORDS[code];
    report({ level: "warning", code, path, message, fix });
  }
}
