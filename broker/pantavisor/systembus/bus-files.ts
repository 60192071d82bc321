import { HOSTED_BUS } from "../../shared/formats/hosted-bus.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { BusGrants } from "./bus-grants.ts";

/** User by which the policy names a role; only the bus's own passwd has it. */
const userOf = (role: string): string => `pv-dbus-${role}`;

/**
 * Places for all connections that the broker can have. dbus-daemon counts those without Hello for
 * all users together, 64 of them, so one consumer could take every place. It still allows 256
 * connections of one role (max_connections_per_user).
 */
const LIMITS = `
  <limit name="max_incomplete_connections">65536</limit>
  <limit name="max_completed_connections">65536</limit>`;

/**
 * Configuration of the hosted bus: as on any system bus, a connection may talk to the bus itself,
 * answer and send signals, and nothing else but what its role may.
 */
export function busConfig(grants: ReadonlyMap<string, BusGrants>, quirks: Quirks): string {
  const limits = quirks.has("hosted-bus-few-places") ? "" : LIMITS;
  const policies = [...grants].flatMap(([role, { own, talk }]) => [
    `  <policy user="${escaped(userOf(role))}">`,
    ...[...own].map((name) => `    <allow own="${escaped(name)}"/>`),
    ...[...talk].map((name) => `    <allow send_destination="${escaped(name)}"/>`),
    "  </policy>",
  ]);
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <user>messagebus</user>
  <listen>unix:path=${HOSTED_BUS.socket}</listen>
  <auth>EXTERNAL</auth>${limits}
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Peer"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Properties"/>
    <deny send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus" send_member="UpdateActivationEnvironment"/>
  </policy>
${policies.join("\n")}
</busconfig>
`;
}

/**
 * The passwd in which the bus looks users up: those of the appengine and one for each role.
 * @param base text of the appengine's passwd
 */
export function busPasswd(base: string, uids: Iterable<readonly [string, number]>): string {
  const users = [...uids].map(
    ([role, uid]) => `${userOf(role)}:x:${uid}:${uid}::/nonexistent:/usr/sbin/nologin\n`,
  );
  return [base === "" || base.endsWith("\n") ? base : `${base}\n`, ...users].join("");
}

/** Text for an XML attribute. Names and roles hold none of these characters; the file must not rely on it. */
function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
}
