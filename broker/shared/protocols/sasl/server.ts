/**
 * The server's side of D-Bus authentication, which the broker takes towards a consumer
 * (D-Bus specification, "Authentication Protocol"; states as in libdbus dbus-auth.c).
 *
 * The consumer is not trusted. Its identity follows from its link, so the uid that it claims
 * decides nothing: EXTERNAL is the only mechanism, and every well-formed claim is treated alike. No
 * byte of the conversation ever reaches the provider.
 *
 *     auth ──AUTH EXTERNAL <hex>──▶ decision ──accept──▶ begin ──BEGIN──▶ (messages)
 *      │ ▲                            ▲ │                 │
 *      │ └───────────reject───────────┼─┘◀──CANCEL/ERROR──┘
 *      └──AUTH EXTERNAL──▶ data ──DATA┘
 */
export interface SaslServerState {
  readonly phase: "auth" | "data" | "decision" | "begin";
  /** Number of REJECTED sent. */
  readonly rejections: number;
}

export type SaslEffect =
  | { readonly type: "reply"; readonly line: string }
  /** Connect to the provider, then call `saslServerAccept` or `saslServerReject`. */
  | { readonly type: "authenticate"; readonly claim: SaslClaim }
  /**
   * Find out if link and provider pass fds, then call `saslServerAgree` or `saslServerDisagree`.
   */
  | { readonly type: "negotiate-fds" }
  /** The bytes behind this line are messages. */
  | { readonly type: "begin" }
  | { readonly type: "close"; readonly reason: string };

/** The uid that the consumer claims; used by quirks and the log only. */
export interface SaslClaim {
  /** Decimal text of the claimed uid; empty when the client leaves it to the server. */
  readonly uid: string;
  /** True when AUTH EXTERNAL came without an initial response (GDBus, pydbus, sd-bus). */
  readonly bare: boolean;
}

/** Number of rejections after which libdbus gives up too (MAX_FAILURES). */
const MAX_REJECTIONS = 6;

export const saslServerStart: SaslServerState = { phase: "auth", rejections: 0 };

type Step = readonly [SaslServerState, SaslEffect];

/** @param line line without CRLF; not to be called between `authenticate` and its answer */
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

/** @param guid id of the provider's bus, 32 hexadecimal digits */
export function saslServerAccept(state: SaslServerState, guid: string): Step {
  return [
    { ...state, phase: "begin" },
    { type: "reply", line: `OK ${guid}` },
  ];
}

export function saslServerReject(state: SaslServerState): Step {
  return reject(state);
}

/** Agree: messages of the session may carry fds. */
export function saslServerAgree(state: SaslServerState): Step {
  return [state, { type: "reply", line: "AGREE_UNIX_FD" }];
}

/** Refuse fds with an error, so that the client sends none. */
export function saslServerDisagree(state: SaslServerState): Step {
  return [state, error("Unix FD passing is not supported")];
}

function onAuth(state: SaslServerState, text: string): Step {
  const { command: mechanism, rest } = split(text);
  if (mechanism !== "EXTERNAL") return reject(state);
  // Ask for an absent initial response by a DATA line, as sd-bus expects.
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
    { ...state, phase: "decision" },
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
