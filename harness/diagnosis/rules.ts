import type { DiagnosisRule } from "./rule.ts";
import { bootRules } from "./rules/boot.ts";
import { documentedRules } from "./rules/documented.ts";
import { lifecycleRules } from "./rules/lifecycle.ts";
import { brokerRules, linkRules } from "./rules/links.ts";
import { serviceRules } from "./rules/services.ts";

/** Every known cause, the likeliest first: what keeps a boot from READY explains all that comes after it. */
export const RULES: readonly DiagnosisRule[] = [
  ...bootRules,
  ...brokerRules,
  ...documentedRules,
  ...serviceRules,
  ...linkRules,
  ...lifecycleRules,
  // The last resort: nothing but the check itself tells.
  {
    id: "known-departure",
    cause: "the real 029-32 does not keep this promise either ({check}, docs/pantavisor.md {fact})",
    shows: [
      {
        in: "failure",
        line: String.raw`^catalogue: 029-32 does not keep (?<check>\S+): (?<fact>.+)$`,
      },
    ],
    fix: "compare with the reference: pvh conformance --image REF; a run with --baseline lets it fail",
    source: "docs/pantavisor.md",
  },
];
