/**
 * The server's side of D-Bus authentication, as the broker plays it towards a consumer
 * (D-Bus specification, "Authentication Protocol"; states as in libdbus dbus-auth.c).
 *
 * Trust: none in the consumer. The uid that it claims decides nothing: who it is follows from
 * its link, so EXTERNAL is the only mechanism and every well-formed claim is the same claim.
 * No byte of the conversation ever reaches the provider.
 *
 *     auth ──AUTH EXTERNAL <hex>──▶ verdict ──accept──▶ begin ──BEGIN──▶ (messages)
 *      │ ▲                            ▲ │                 │
 *      │ └───────────reject───────────┼─┘◀──CANCEL/ERROR──┘
 *      └──AUTH EXTERNAL──▶ data ──DATA┘
 */
export interface SaslServerState {
  readonly phase: "auth" | "data" | "verdict" | "begin";
  /** Number of REJECTED sent. */
  readonly rejections: number;
}

export type SaslEffect =
  | { readonly type: "reply"; readonly line: string }
  /** Connect to the provider and go on with `accept` or `reject`. */
  | { readonly type: "authenticate"; readonly claim: SaslClaim }
  /** Go on with `agree` or `disagree`, as the link and its provider pass fds. */
  | { readonly type: "negotiate-fds" }
  /** What follows this line are messages. */
  | { readonly type: "begin" }
  | { readonly type: "close"; readonly reason: string };

/** What the consumer said it was; for the quirks and the log alone. */
export interface SaslClaim {
  /** Decimal text of the claimed uid; empty when the client leaves it to the server. */
  readonly uid: string;
  /** AUTH EXTERNAL came without an initial response (GDBus, pydbus, sd-bus). */
  readonly bare: boolean;
}

/** As many failures as libdbus allows (MAX_FAILURES). */
const MAX_REJECTIONS = 6;

export const saslServerStart: SaslServerState = { phase: "auth", rejections: 0 };

type Step = readonly [SaslServerState, SaslEffect];

/** @param line without CRLF; not to be called while a verdict is due */
export function saslServerLine(state: SaslServerState, line: string): Step {
  if (!/^[\x20-\x7e]*$/.test(line)) return [state, error("Not ASCII")];
  const { command, rest } = split(line);
  switch (command) {
    case "AUTH":
      if (state.phase !== "auth") return [state, error("Sent AUTH in the middle of another")];
      return onAuth(state, rest);
    case "DATA":
      if (state.phase !== "data") return [state, error("Not currently in an auth conversation")];
      return onClaim(state, rest, true);
    case "BEGIN":
      if (state.phase === "begin") return [state, { type: "begin" }];
      return [state, { type: "close", reason: "BEGIN without authentication" }];
    case "CANCEL":
      if (state.phase === "auth") return [state, error("Not currently in an auth conversation")];
      return reject(state);
    case "ERROR":
      return reject(state);
    case "NEGOTIATE_UNIX_FD":
      return state.phase === "begin"
        ? [state, { type: "negotiate-fds" }]
        : saslServerDisagree(state);
    default:
      return [state, error("Unknown command")];
  }
}

/** @param guid of the provider's bus, 32 hexadecimal digits */
export function saslServerAccept(state: SaslServerState, guid: string): Step {
  return [
    { ...state, phase: "begin" },
    { type: "reply", line: `OK ${guid}` },
  ];
}

export function saslServerReject(state: SaslServerState): Step {
  return reject(state);
}

/** Messages of the session may carry fds. */
export function saslServerAgree(state: SaslServerState): Step {
  return [state, { type: "reply", line: "AGREE_UNIX_FD" }];
}

/** So that no client sends any in good faith. */
export function saslServerDisagree(state: SaslServerState): Step {
  return [state, error("Unix FD passing is not supported")];
}

function onAuth(state: SaslServerState, text: string): Step {
  const { command: mechanism, rest } = split(text);
  if (mechanism !== "EXTERNAL") return reject(state);
  // An absent initial response is asked for; sd-bus counts on this DATA line.
  if (rest === "")
    return [
      { ...state, phase: "data" },
      { type: "reply", line: "DATA" },
    ];
  return onClaim(state, rest, false);
}

function onClaim(state: SaslServerState, hex: string, bare: boolean): Step {
  if (!/^(?:[0-9A-Fa-f]{2})*$/.test(hex)) return [state, error("Invalid hex encoding")];
  const uid = Buffer.from(hex, "hex").toString("latin1");
  return [
    { ...state, phase: "verdict" },
    { type: "authenticate", claim: { uid, bare } },
  ];
}

function reject(state: SaslServerState): Step {
  const rejections = state.rejections + 1;
  if (rejections >= MAX_REJECTIONS) return [state, { type: "close", reason: "too many failures" }];
  return [
    { phase: "auth", rejections },
    { type: "reply", line: "REJECTED EXTERNAL" },
  ];
}

function error(text: string): SaslEffect {
  return { type: "reply", line: `ERROR "${text}"` };
}

function split(text: string): { command: string; rest: string } {
  const space = text.indexOf(" ");
  if (space === -1) return { command: text, rest: "" };
  return { command: text.slice(0, space), rest: text.slice(space + 1).trim() };
}
