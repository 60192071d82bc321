import { PvhError } from "../errors.ts";
import { didYouMean } from "../near-names.ts";

/** A scenario as the selection sees it. */
export interface Selectable {
  readonly name: string;
  readonly suite: string;
  readonly tags: readonly string[];
  readonly checks: readonly { readonly id: string; readonly suite: string }[];
}

export interface Selected<T extends Selectable> {
  readonly scenario: T;
  /** Ids of the checks that the filter holds for; never empty. */
  readonly checks: readonly string[];
}

/**
 * Choose scenarios and checks.
 *
 * A filter is judged for each check of each scenario; a scenario is selected when any of its
 * checks is, and runs only those.
 * ```
 * filter  = and (["or"] and)*          "a b" means a or b
 * and     = unary ("and" unary)*
 * unary   = "not" unary | "(" filter ")" | word
 * word    = name | glob | check id | @tag | type:SUITE | check:GLOB
 * ```
 * @param filter empty: everything
 * @throws PvhError PVH_USAGE for a filter that cannot be read or names what does not exist
 */
export function select<T extends Selectable>(
  scenarios: readonly T[],
  filter: string,
): Selected<T>[] {
  const holds = filter.trim() === "" ? () => true : new Parser(filter, scenarios).parse();
  return scenarios
    .map((scenario) => ({
      scenario,
      checks: scenario.checks.filter((check) => holds(scenario, check)).map(({ id }) => id),
    }))
    .filter(({ checks }) => checks.length > 0);
}

/** Select every check of these scenarios. */
export function wholly<T extends Selectable>(scenarios: readonly T[]): Selected<T>[] {
  return scenarios.map((scenario) => ({
    scenario,
    checks: scenario.checks.map(({ id }) => id),
  }));
}

type Predicate = (scenario: Selectable, check: Selectable["checks"][number]) => boolean;

class Parser {
  readonly #filter: string;
  readonly #tokens: string[];
  readonly #scenarios: readonly Selectable[];

  constructor(filter: string, scenarios: readonly Selectable[]) {
    this.#filter = filter;
    this.#tokens = filter.match(/[()]|[^\s()]+/g) ?? [];
    this.#scenarios = scenarios;
  }

  parse(): Predicate {
    const predicate = this.#or();
    if (this.#tokens.length > 0) this.#fail(`unexpected '${this.#tokens[0] ?? ""}'`);
    return predicate;
  }

  #or(): Predicate {
    const terms = [this.#and()];
    while (this.#tokens.length > 0 && this.#tokens[0] !== ")") {
      if (this.#tokens[0] === "or") this.#tokens.shift();
      terms.push(this.#and());
    }
    return (scenario, check) => terms.some((term) => term(scenario, check));
  }

  #and(): Predicate {
    const terms = [this.#unary()];
    while (this.#tokens[0] === "and") {
      this.#tokens.shift();
      terms.push(this.#unary());
    }
    return (scenario, check) => terms.every((term) => term(scenario, check));
  }

  #unary(): Predicate {
    const token = this.#tokens.shift();
    if (token === undefined) return this.#fail("it ends too early");
    if (token === "not") {
      const negated = this.#unary();
      return (scenario, check) => !negated(scenario, check);
    }
    if (token === "(") {
      const inner = this.#or();
      if (this.#tokens.shift() !== ")") this.#fail("a ) is missing");
      return inner;
    }
    if (token === ")" || token === "and" || token === "or") this.#fail(`unexpected '${token}'`);
    return this.#word(token);
  }

  #word(word: string): Predicate {
    if (word.startsWith("@")) {
      const tag = word.slice(1);
      return (scenario) => scenario.tags.includes(tag);
    }
    const [, kind, value] = /^(\w+):(.*)$/.exec(word) ?? [];
    if (kind === "type") {
      const suites = this.#scenarios.flatMap(({ suite, checks }) => [
        suite,
        ...checks.map((check) => check.suite),
      ]);
      this.#known(value ?? "", suites, "type");
      return (scenario, check) => scenario.suite === value || check.suite === value;
    }
    if (kind === "check") {
      this.#known(value ?? "", this.#checks(), "check");
      const pattern = toPattern(value ?? "");
      return (_scenario, check) => pattern.test(check.id);
    }
    if (kind !== undefined) this.#fail(`'${kind}:' is not known; there is type: and check:`);
    const names = this.#scenarios.map(({ name }) => name);
    this.#known(word, [...names, ...this.#checks()], "scenario");
    const pattern = toPattern(word);
    return (scenario, check) => pattern.test(scenario.name) || check.id === word;
  }

  #checks(): string[] {
    return this.#scenarios.flatMap(({ checks }) => checks.map(({ id }) => id));
  }

  /** Globs may match nothing; a plain word names something. */
  #known(value: string, candidates: readonly string[], what: string): void {
    if (/[*?]/.test(value) || candidates.includes(value)) return;
    throw unknownName(what, value, candidates);
  }

  #fail(why: string): never {
    throw new PvhError("PVH_USAGE", `filter '${this.#filter}': ${why}`, {
      hint: "names, globs, @tag, type:dbus, check:unix.*, not, and, or, ( )",
    });
  }
}

/** The error for a name that nothing has. */
export function unknownName(what: string, name: string, candidates: Iterable<string>): PvhError {
  const article = /^[aeiou]/.test(what) ? "an" : "a";
  return new PvhError("PVH_USAGE", `'${name}' is not the name of ${article} ${what}`, {
    hint: didYouMean(name, candidates) ?? "pvh ls lists the scenarios, pvh coverage the checks",
  });
}

function toPattern(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`);
}
