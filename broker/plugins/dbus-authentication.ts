import type { PolledStream } from "../linux/polled-stream.ts";
import { SaslLineReader } from "../protocols/sasl/line-reader.ts";
import {
  saslServerAccept,
  saslServerAgree,
  saslServerDisagree,
  saslServerLine,
  saslServerReject,
  saslServerStart,
} from "../protocols/sasl/server.ts";
import type { SaslClaim, SaslEffect } from "../protocols/sasl/server.ts";
import type { Quirks } from "../quirks/quirks.ts";
import { parseId } from "./accounts.ts";
import { allowedFds } from "./allowed-fds.ts";
import { agreesOnFds, openBus } from "./dbus-bus.ts";
import type { Bus, Refused } from "./dbus-bus.ts";
import { dbusIdentity, root } from "./dbus-identity.ts";
import type { Credentials, Link, Toolbox } from "./plugin.ts";
import type { StreamReader } from "./stream-reader.ts";

/** Both sides are authenticated. The provider is still to be sent BEGIN, then `messages`. */
export interface Begun {
  readonly type: "begun";
  readonly provider: PolledStream;
  /** What the consumer has sent behind its BEGIN. */
  readonly messages: Buffer;
  /** All three have agreed on passing fds. */
  readonly passesFds: boolean;
}

/**
 * The consumer's authentication, from its NUL byte to BEGIN.
 *
 * The provider is connected to when the consumer's AUTH arrives, not when the consumer does:
 * the consumer can still be told the guid of the real bus, and a consumer that only connects
 * takes none of the places that a bus has for connections without Hello.
 */
export class DbusAuthentication {
  readonly #link: Link;
  readonly #consumer: StreamReader;
  readonly #tools: Toolbox;
  readonly #signal: AbortSignal;
  readonly #lines = new SaslLineReader({ nul: true });
  #state = saslServerStart;
  #bus: Bus | undefined;
  #passesFds = false;

  /** @param signal ends the attempt; the consumer's stream is then the caller's to close */
  constructor(link: Link, consumer: StreamReader, tools: Toolbox, signal: AbortSignal) {
    this.#link = link;
    this.#consumer = consumer;
    this.#tools = tools;
    this.#signal = signal;
  }

  /**
   * @returns `refused` when there is to be no session: the consumer has had its replies, and
   *          is to get EOF
   * @throws the signal's reason
   */
  async run(): Promise<Begun | Refused> {
    let outcome: Begun | Refused | undefined;
    try {
      while (outcome === undefined) {
        const piece = await this.#consumer.next(this.#signal);
        if (piece === undefined) return refused("end of stream before BEGIN");
        this.#lines.push(piece);
        outcome = await this.#takeLines();
      }
      return outcome;
    } finally {
      if (outcome?.type !== "begun") this.#bus?.reader.stream.close();
    }
  }

  async #takeLines(): Promise<Begun | Refused | undefined> {
    for (;;) {
      const input = this.#lines.next();
      if (input === undefined) return undefined;
      if (input.type === "violation") return refused(input.reason);
      const effect = this.#step(saslServerLine(this.#state, input.text));
      if (effect.type === "authenticate") {
        const refusal = await this.#identify(effect.claim);
        if (refusal !== undefined) return refusal;
      } else if (effect.type === "negotiate-fds") {
        await this.#negotiateFds();
      } else if (effect.type === "begin" && this.#bus !== undefined) {
        const provider = this.#bus.reader.stream;
        const messages = this.#lines.rest;
        return { type: "begun", provider, messages, passesFds: this.#passesFds };
      }
      if (this.#lines.rest.length > 0 && this.#tools.quirks.has("dbus-auth-strict", "dbus")) {
        return refused("more than one line at a time");
      }
      if (effect.type === "close") return refused(effect.reason);
    }
  }

  async #negotiateFds(): Promise<void> {
    const bus = allowedFds(this.#link).size > 0 ? this.#bus : undefined;
    this.#passesFds = bus !== undefined && (await agreesOnFds(bus, this.#signal));
    this.#step(this.#passesFds ? saslServerAgree(this.#state) : saslServerDisagree(this.#state));
  }

  /** Open the connection that this claim gets, in place of an earlier one. */
  async #identify(claim: SaslClaim): Promise<Refused | undefined> {
    this.#bus?.reader.stream.close();
    this.#bus = undefined;
    this.#passesFds = false;
    const credentials = granted(
      claim,
      this.#state.rejections,
      dbusIdentity(this.#link, this.#tools),
      this.#tools.quirks,
    );
    if (credentials === undefined) {
      this.#step(saslServerReject(this.#state));
      return undefined;
    }
    const who = `role '${this.#link.role}' (UID ${credentials.uid})`;
    this.#tools.log(
      `pvx-dbus: Masquerading D-Bus identity as ${who} for service ${this.#link.name}`,
    );
    const bus = await openBus(this.#link, this.#tools, {
      credentials,
      receivesFds: allowedFds(this.#link).size > 0,
      signal: this.#signal,
    });
    if (bus.type === "refused") {
      this.#step(saslServerReject(this.#state));
      return refused(`${this.#link.provider} does not take ${who}: ${bus.reason}`);
    }
    this.#bus = bus;
    this.#step(saslServerAccept(this.#state, bus.guid));
    return undefined;
  }

  #step([state, effect]: ReturnType<typeof saslServerLine>): SaslEffect {
    this.#state = state;
    if (effect.type === "reply") this.#consumer.stream.writeText(`${effect.line}\r\n`);
    return effect;
  }
}

/** @returns undefined when the claim is to be rejected, which without quirks it never is */
function granted(
  claim: SaslClaim,
  rejections: number,
  identity: Credentials,
  quirks: Quirks,
): Credentials | undefined {
  if (claim.bare && quirks.has("dbus-bare-auth", "dbus")) return root;
  if (!quirks.has("dbus-second-auth", "dbus")) return identity;
  const uid = parseId(claim.uid) ?? identity.uid;
  if (rejections > 0) return { uid, gid: uid, groups: [] };
  // Ordinary clients run as root in their container and get through at once.
  return uid === 0 || uid === identity.uid ? identity : undefined;
}

function refused(reason: string): Refused {
  return { type: "refused", reason };
}
