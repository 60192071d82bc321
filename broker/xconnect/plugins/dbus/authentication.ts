import { PolledStream } from "../../../shared/linux/polled-stream.ts";
import type { StreamOwner } from "../../../shared/linux/polled-stream.ts";
import { SaslLineReader } from "../../../shared/protocols/sasl/line-reader.ts";
import {
  saslServerAccept,
  saslServerAgree,
  saslServerDisagree,
  saslServerLine,
  saslServerReject,
  saslServerStart,
} from "../../../shared/protocols/sasl/server.ts";
import type { SaslClaim, SaslEffect } from "../../../shared/protocols/sasl/server.ts";
import { allowedFds } from "../allowed-fds.ts";
import { granted, roleOf } from "./claim.ts";
import { dbusIdentity } from "./identity.ts";
import { failOutlived } from "./outlived.quirk.ts";
import { DbusProvider } from "./provider.ts";
import type { ProviderWay } from "./provider.ts";
import type { ConsumerConnection, Credentials, Link, Toolbox } from "../plugin.ts";

/** Milliseconds from connecting to the first message, as dbus-daemon's auth_timeout. */
const TIMEOUT = 30_000;

/** An authenticated consumer. The provider still has to be sent `preamble`, then `messages`. */
export interface AuthenticatedConsumer extends ProviderWay {
  readonly type: "authenticated";
  readonly consumer: PolledStream;
  /** Bytes that the consumer has sent behind its BEGIN. */
  readonly messages: Buffer;
  /** True when consumer, link and provider have agreed on passing fds. */
  readonly passesFds: boolean;
}

/**
 * Result of an authentication. Unless it succeeds, there is no session and the streams are
 * closing.
 */
export type Outcome =
  | AuthenticatedConsumer
  /** The consumer gets the replies due to it, then EOF. */
  | { readonly type: "refused"; readonly reason: string }
  | { readonly type: "failed"; readonly error: unknown };

/**
 * The consumer's authentication, from its NUL byte to BEGIN, or to its first message.
 *
 * The OK to a consumer carries the guid of the provider's bus. So the first consumer of a link is
 * answered only when the bus has answered the broker. Later consumers are answered at once: the
 * guid is known, and a consumer's identity follows from its link. The broker connects to the bus
 * for them when their first message arrives, and sends AUTH, BEGIN and the message in one piece, as
 * sd-bus does: a silent consumer then takes none of the places that a bus has for connections
 * without Hello. Only where fds may pass is the bus connected to before, since it has to agree to
 * them.
 *
 * Each event of a socket is dealt with completely, without promises; only a provider that cannot be
 * reached yet is waited for with one.
 */
export class DbusAuthentication implements StreamOwner {
  readonly #link: Link;
  readonly #consumer: PolledStream;
  readonly #tools: Toolbox;
  readonly #onOutcome: (outcome: Outcome) => void;
  readonly #connection: ConsumerConnection;
  readonly #provider: DbusProvider;
  readonly #timer: NodeJS.Timeout;
  readonly #lines = new SaslLineReader({ nul: true });
  #state = saslServerStart;
  /** Credentials of the provider connection, once the consumer has been accepted. */
  #credentials: Credentials | undefined;
  /** True once the consumer has sent BEGIN: messages follow. */
  #hasBegun = false;
  #isOver = false;
  #passesFds = false;

  /**
   * @param onOutcome called once; the streams of an `authenticated` outcome are the caller's
   * @throws SystemCallError ENOSPC, ENOMEM
   */
  constructor(
    link: Link,
    consumer: ConsumerConnection,
    tools: Toolbox,
    onOutcome: (outcome: Outcome) => void,
  ) {
    this.#link = link;
    this.#tools = tools;
    this.#onOutcome = onOutcome;
    this.#connection = consumer;
    this.#provider = new DbusProvider(link, tools, consumer, {
      attempt: (work) => this.#attempt(work),
      refuse: (reason) => this.#refuse(reason),
    });
    this.#consumer = new PolledStream(consumer.take(), this, { receivesFds: mayPassFds(link) });
    this.#timer = setTimeout(() => {
      this.#fail(new Error(`no message within ${TIMEOUT} ms`));
    }, TIMEOUT);
    consumer.onEnd((why) => this.#fail(why));
  }

  onReadable(): void {
    if (this.#provider.isWaiting || this.#consumer.stalled) this.#consumer.pause();
    else this.#attempt(() => this.#read());
  }

  onDrained(): void {
    this.#attempt(() => this.#takeLines());
  }

  onGone(): void {
    // Go on reading: bytes that arrived before are followed by the end.
  }

  #read(): void {
    const bytes = this.#consumer.read();
    if (bytes !== undefined) {
      this.#lines.push(Buffer.from(bytes));
      this.#takeLines();
    } else if (this.#consumer.ended) {
      this.#refuse("end of stream before the first message");
    }
  }

  #takeLines(): void {
    while (this.#mayGoOn()) {
      if (this.#hasBegun) {
        this.#awaitMessage();
        return;
      }
      const input = this.#lines.next();
      if (input === undefined) {
        this.#consumer.resume();
        return;
      }
      if (input.type === "violation") this.#refuse(input.reason);
      else this.#takeLine(input.text);
    }
  }

  /** False while an answer of the provider is due, or the consumer does not take its replies. */
  #mayGoOn(): boolean {
    return !this.#provider.isWaiting && !this.#isOver && !this.#consumer.stalled;
  }

  #takeLine(text: string): void {
    const effect = this.#step(saslServerLine(this.#state, text));
    if (effect.type === "begin") {
      this.#hasBegun = true;
      return;
    }
    if (effect.type === "authenticate") this.#identify(effect.claim);
    else if (effect.type === "negotiate-fds") this.#negotiateFds();
    if (!this.#provider.isWaiting) this.#endLine();
    if (effect.type === "close") this.#refuse(effect.reason);
  }

  /** End the line that was taken. Strict takes bytes behind it: clients send lines together. */
  #endLine(): void {
    if (this.#lines.rest.length > 0 && this.#tools.quirks.has("dbus-auth-strict", "dbus")) {
      this.#refuse("more than one line at a time");
    }
  }

  /** Give the consumer the identity of its link, whatever it claims. */
  #identify(claim: SaslClaim): void {
    failOutlived(this.#link, this.#tools);
    this.#provider.close();
    this.#passesFds = false;
    const credentials = granted(
      claim,
      this.#state.rejections,
      dbusIdentity(this.#link, this.#tools),
      this.#tools.quirks,
    );
    this.#credentials = credentials;
    if (credentials === undefined) {
      this.#step(saslServerReject(this.#state));
      return;
    }
    const who = roleOf(this.#link, credentials);
    this.#tools.log(
      `pvx-dbus: Masquerading D-Bus identity as ${who} for service ${this.#link.name}`,
    );
    const { guid } = this.#provider;
    if (guid !== undefined) {
      this.#step(saslServerAccept(this.#state, guid));
      return;
    }
    this.#provider.open(
      credentials,
      (told) => this.#answer(saslServerAccept(this.#state, told)),
      () => this.#step(saslServerReject(this.#state)),
    );
  }

  #negotiateFds(): void {
    const credentials = this.#credentials;
    if (credentials === undefined || !mayPassFds(this.#link)) {
      this.#step(saslServerDisagree(this.#state));
      return;
    }
    this.#provider.negotiateFds(credentials, (agreed) => {
      this.#passesFds = agreed;
      this.#answer(agreed ? saslServerAgree(this.#state) : saslServerDisagree(this.#state));
    });
  }

  /** Answer the consumer's line, now that the provider has answered, and take the next lines. */
  #answer(step: ReturnType<typeof saslServerLine>): void {
    this.#step(step);
    this.#endLine();
    this.#takeLines();
  }

  /** After BEGIN: connect to the provider as soon as there are messages for it. */
  #awaitMessage(): void {
    const credentials = this.#credentials;
    if (credentials === undefined) return;
    if (!this.#provider.isOpen && this.#lines.rest.length === 0) this.#consumer.resume();
    else this.#provider.begin(credentials, (way) => this.#begin(way));
  }

  #step([state, effect]: ReturnType<typeof saslServerLine>): SaslEffect {
    this.#state = state;
    if (effect.type === "reply") this.#consumer.writeText(`${effect.line}\r\n`);
    return effect;
  }

  /** Run `work`; an error in it fails this authentication and nothing else. */
  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #begin(way: ProviderWay): void {
    const [consumer, messages, passesFds] = [this.#consumer, this.#lines.rest, this.#passesFds];
    this.#end({ ...way, type: "authenticated", consumer, messages, passesFds });
  }

  #refuse(reason: string): void {
    if (this.#isOver) return;
    this.#provider.close();
    this.#consumer.closeSoon();
    this.#end({ type: "refused", reason });
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#provider.close();
    this.#consumer.close();
    this.#end({ type: "failed", error });
  }

  #end(outcome: Outcome): void {
    this.#isOver = true;
    this.#provider.abandon();
    clearTimeout(this.#timer);
    this.#connection.onEnd(undefined);
    this.#onOutcome(outcome);
  }
}

function mayPassFds(link: Link): boolean {
  return allowedFds(link).size > 0;
}
