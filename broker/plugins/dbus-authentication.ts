import { closeFd } from "../linux/epoll.ts";
import { PolledStream } from "../linux/polled-stream.ts";
import type { StreamOwner } from "../linux/polled-stream.ts";
import { streamLoop } from "../linux/stream-loop.ts";
import { messageOf } from "../message-of.ts";
import {
  saslClientAnswer,
  saslClientNegotiate,
  saslClientStart,
  saslFdsAgreed,
} from "../protocols/sasl/client.ts";
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
import { BusConnection } from "./dbus-bus.ts";
import type { BusAnswer } from "./dbus-bus.ts";
import { dbusIdentity, root } from "./dbus-identity.ts";
import type { ConsumerConnection, Credentials, Link, Toolbox } from "./plugin.ts";

/** Milliseconds from connecting to BEGIN: dbus-daemon's own auth_timeout. */
const TIMEOUT = 30_000;

/** Both sides are authenticated. The provider is still to be sent BEGIN, then `messages`. */
export interface Begun {
  readonly type: "begun";
  readonly consumer: PolledStream;
  readonly provider: PolledStream;
  /** What the consumer has sent behind its BEGIN. */
  readonly messages: Buffer;
  /** All three have agreed on passing fds. */
  readonly passesFds: boolean;
}

/** There is to be no session, and both streams are on their way out. */
export type Outcome =
  | Begun
  /** The consumer has had its replies, and gets EOF. */
  | { readonly type: "refused"; readonly reason: string }
  | { readonly type: "failed"; readonly error: unknown };

/**
 * The consumer's authentication, from its NUL byte to BEGIN.
 *
 * The provider is connected to when the consumer's AUTH arrives, not when the consumer does:
 * the consumer can still be told the guid of the real bus, and a consumer that only connects
 * takes none of the places that a bus has for connections without Hello.
 *
 * Each event of a socket is dealt with to its end at once; only for a provider that cannot be
 * reached yet there is a promise to wait for.
 */
export class DbusAuthentication implements StreamOwner {
  readonly #link: Link;
  readonly #consumer: PolledStream;
  readonly #tools: Toolbox;
  readonly #onOutcome: (outcome: Outcome) => void;
  readonly #connection: ConsumerConnection;
  readonly #timer: NodeJS.Timeout;
  readonly #lines = new SaslLineReader({ nul: true });
  #state = saslServerStart;
  #bus: BusConnection | undefined;
  /** The provider has to do something before the consumer's next line. */
  #isWaiting = false;
  #isOver = false;
  #passesFds = false;

  /**
   * @param onOutcome called once, with streams that are the caller's when it has begun
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
    this.#consumer = new PolledStream(consumer.take(), this, { receivesFds: mayPassFds(link) });
    this.#timer = setTimeout(() => {
      this.#fail(new Error(`no BEGIN within ${TIMEOUT} ms`));
    }, TIMEOUT);
    consumer.onEnd((why) => this.#fail(why));
  }

  onReadable(): void {
    if (this.#isWaiting || this.#consumer.stalled) this.#consumer.pause();
    else this.#attempt(() => this.#read());
  }

  onDrained(): void {
    this.#attempt(() => this.#takeLines());
  }

  onGone(): void {
    // What has arrived before is still to be read, and behind it comes the end.
  }

  #read(): void {
    const bytes = this.#consumer.read();
    if (bytes !== undefined) {
      this.#lines.push(Buffer.from(bytes));
      this.#takeLines();
    } else if (this.#consumer.ended) {
      this.#refuse("end of stream before BEGIN");
    }
  }

  #takeLines(): void {
    while (this.#mayGoOn()) {
      const input = this.#lines.next();
      if (input === undefined) {
        this.#consumer.resume();
        return;
      }
      if (input.type === "violation") this.#refuse(input.reason);
      else this.#takeLine(input.text);
    }
  }

  /** Not beyond an answer of the provider, nor one that the consumer does not take. */
  #mayGoOn(): boolean {
    return !this.#isWaiting && !this.#isOver && !this.#consumer.stalled;
  }

  #takeLine(text: string): void {
    const effect = this.#step(saslServerLine(this.#state, text));
    if (effect.type === "begin") {
      this.#begin();
      return;
    }
    if (effect.type === "authenticate") this.#identify(effect.claim);
    else if (effect.type === "negotiate-fds") this.#negotiateFds();
    if (!this.#isWaiting) this.#endLine();
    if (effect.type === "close") this.#refuse(effect.reason);
  }

  /** What it took is done. */
  #endLine(): void {
    if (this.#lines.rest.length > 0 && this.#tools.quirks.has("dbus-auth-strict", "dbus")) {
      this.#refuse("more than one line at a time");
    }
  }

  #negotiateFds(): void {
    this.#passesFds = false;
    if (this.#bus === undefined || !mayPassFds(this.#link)) {
      this.#step(saslServerDisagree(this.#state));
      return;
    }
    this.#ask(this.#bus, saslClientNegotiate, (answer) => {
      if (answer.type === "failed") {
        this.#fail(new Error(answer.reason));
        return;
      }
      this.#passesFds = answer.text === saslFdsAgreed;
      this.#step(this.#passesFds ? saslServerAgree(this.#state) : saslServerDisagree(this.#state));
    });
  }

  /** Open the connection that this claim gets, in place of an earlier one. */
  #identify(claim: SaslClaim): void {
    this.#bus?.stream.close();
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
      return;
    }
    const who = `role '${this.#link.role}' (UID ${credentials.uid})`;
    this.#tools.log(
      `pvx-dbus: Masquerading D-Bus identity as ${who} for service ${this.#link.name}`,
    );
    const rejected = (reason: string) => {
      this.#step(saslServerReject(this.#state));
      this.#refuse(`${this.#link.provider} does not take ${who}: ${reason}`);
    };
    this.#dial(credentials, rejected);
  }

  /** Connect to the provider's bus as `credentials`, in the kernel and in SASL. */
  #dial(credentials: Credentials, rejected: (reason: string) => void): void {
    const opened = (fd: number) => {
      const bus = new BusConnection(fd, { receivesFds: mayPassFds(this.#link) });
      this.#bus = bus;
      this.#ask(bus, saslClientStart(credentials.uid), (line) => {
        const answer = line.type === "line" ? saslClientAnswer(line.text) : line;
        if (answer.type === "accepted") this.#step(saslServerAccept(this.#state, answer.guid));
        else rejected(answer.reason);
      });
    };
    try {
      const connection = this.#connection;
      const dialled = this.#tools.dialProvider(this.#link, {
        credentials,
        get signal() {
          return connection.signal;
        },
      });
      if (typeof dialled === "number") opened(dialled);
      else this.#wait(dialled, opened, rejected);
    } catch (error) {
      rejected(messageOf(error));
    }
  }

  /** For a provider that cannot be reached yet. */
  #wait(
    dialled: Promise<number>,
    opened: (fd: number) => void,
    rejected: (reason: string) => void,
  ): void {
    this.#isWaiting = true;
    streamLoop().leave();
    dialled.then(
      (fd) => {
        if (this.#isOver) closeFd(fd);
        else this.#attempt(() => opened(fd));
      },
      (error: unknown) => {
        if (!this.#isOver) this.#attempt(() => rejected(messageOf(error)));
      },
    );
  }

  /** @param answered has to end with a step or with an end */
  #ask(bus: BusConnection, question: Buffer, answered: (answer: BusAnswer) => void): void {
    this.#isWaiting = true;
    bus.ask(question, (answer) => {
      this.#attempt(() => {
        this.#isWaiting = false;
        answered(answer);
        if (!this.#isOver) this.#endLine();
        this.#takeLines();
      });
    });
  }

  #step([state, effect]: ReturnType<typeof saslServerLine>): SaslEffect {
    this.#state = state;
    if (effect.type === "reply") this.#consumer.writeText(`${effect.line}\r\n`);
    return effect;
  }

  /** Whatever goes wrong ends this attempt and nothing else. */
  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  #begin(): void {
    if (this.#bus === undefined) return;
    const [consumer, provider] = [this.#consumer, this.#bus.stream];
    const [messages, passesFds] = [this.#lines.rest, this.#passesFds];
    this.#end({ type: "begun", consumer, provider, messages, passesFds });
  }

  #refuse(reason: string): void {
    if (this.#isOver) return;
    this.#bus?.stream.close();
    this.#consumer.closeSoon();
    this.#end({ type: "refused", reason });
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#bus?.stream.close();
    this.#consumer.close();
    this.#end({ type: "failed", error });
  }

  #end(outcome: Outcome): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#connection.onEnd(undefined);
    this.#onOutcome(outcome);
  }
}

function mayPassFds(link: Link): boolean {
  return allowedFds(link).size > 0;
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
