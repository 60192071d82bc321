import type { Finding, Report } from "./finding.ts";

/** Findings of one code that are listed; more of them would not help a reader. */
const MOST = 1000;

/** Findings in the order they came: the first thousand of each code, and how many more. */
export class FindingList {
  readonly #listed: Finding[] = [];
  readonly #counts = new Map<string, number>();

  readonly report: Report = (finding) => {
    const count = (this.#counts.get(finding.code) ?? 0) + 1;
    this.#counts.set(finding.code, count);
    if (count <= MOST) this.#listed.push(finding);
  };

  all(): Finding[] {
    const cut = [...this.#counts].filter(([, count]) => count > MOST);
    const lastOf = (code: string) => this.#listed.findLast((finding) => finding.code === code);
    return [
      ...this.#listed,
      ...cut.flatMap(([code, count]): Finding[] => {
        const last = lastOf(code);
        const message = `${count - MOST} more findings of this code are not listed`;
        return last === undefined ? [] : [{ ...last, message }];
      }),
    ];
  }
}
