import fc from "fast-check";
import { expect, it } from "vitest";
import { PROPERTY_RUNS } from "./property-runs.fixture.ts";
import { none, parseQuirks } from "../quirks/quirks.ts";
import { damaged, stateDocument } from "./documents.fixture.ts";
import { StateError, parseState } from "./state.ts";

it("any document is a state in the order of its text, or refused in one line", () => {
  const quirks = fc.constantFrom(
    none,
    ...["services-order", "target-alias-null", "manifest-strings-refused"].map(parseQuirks),
  );
  fc.assert(
    fc.property(damaged(stateDocument.map(({ document }) => document)), quirks, (value, on) => {
      let state;
      try {
        state = parseState(value, on);
      } catch (error) {
        if (!(error instanceof StateError)) throw error;
        expect(error.message).toMatch(/^[^\p{Cc}]+$/u);
        return;
      }
      const keys = Object.keys(value as object).filter((key) => key !== "#spec");
      // Zod's records leave `__proto__` out.
      expect(state.entries.map(([key]) => key)).toEqual(keys.filter((key) => key !== "__proto__"));
      expect(state.containers.map(({ name }) => `${name}/run.json`)).toEqual(
        keys.filter((key) => /^[^/]+\/run\.json$/.test(key)),
      );
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
