import { describe, expect, it } from "vitest";
import { none } from "../../shared/quirks/quirks.ts";
import { busConfig, busPasswd } from "./bus-files.ts";

const grants = (own: string[], talk: string[]) => ({ own: new Set(own), talk: new Set(talk) });

describe("the configuration of the bus", () => {
  it("has a policy for the user of each role", () => {
    const text = busConfig(new Map([["clock", grants(["org.x.A"], ["org.x.A", "org.x.B"])]]), none);
    expect(text).toContain(`  <policy user="pv-dbus-clock">
    <allow own="org.x.A"/>
    <allow send_destination="org.x.A"/>
    <allow send_destination="org.x.B"/>
  </policy>`);
  });

  it("denies names and calls where no policy allows them", () => {
    const text = busConfig(new Map(), none);
    expect(text).toContain('<deny own="*"/>');
    expect(text).toContain('<deny send_type="method_call"/>');
    expect(text.match(/<policy/g)).toHaveLength(1);
  });

  it("keeps every text within its attribute", () => {
    const text = busConfig(new Map([['"><&', grants(['a"/><allow own="*'], [])]]), none);
    expect(text).toContain('user="pv-dbus-&#34;&#62;&#60;&#38;"');
    expect(text).toContain('own="a&#34;/&#62;&#60;allow own=&#34;*"');
  });
});

describe("the passwd of the bus", () => {
  it.each(["root:x:0:0::/:/bin/sh\n", "root:x:0:0::/:/bin/sh", ""])(
    "has the appengine's users and one for each role: %j",
    (base) => {
      const lines = busPasswd(base, [["clock", 90_000]]).split("\n");
      expect(lines).toEqual([
        ...(base === "" ? [] : ["root:x:0:0::/:/bin/sh"]),
        "pv-dbus-clock:x:90000:90000::/nonexistent:/usr/sbin/nologin",
        "",
      ]);
    },
  );
});
