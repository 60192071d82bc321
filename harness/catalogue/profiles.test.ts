import { expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { PROFILES } from "./profiles.ts";

const rows = [...catalogue().values()];

test.each(PROFILES.compat)("compat breaks with %s what the real one breaks", (quirk) => {
  const real = rows.filter((row) => row.quirk === quirk).map((row) => row.real);
  // Quirks without a row are forms of replies that were recorded.
  if (real.length > 0) expect(real).toContainEqual(expect.stringMatching(/^(bad|gap)$/));
});
