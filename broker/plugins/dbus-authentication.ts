import { closeFd } from "../linux/epoll.ts";
import { PolledStream } from "../linux/polled-stream.ts";
import type { StreamOwner } from "../linux/polled-stream.ts";
import { streamLoop } from "../linux/stream-loop.ts";
import { messageOf } from "../message-of.ts";
import {
  saslClientAnswer,
  saslClientBegin,
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
import { allowedFds } from "./allowed-fds.ts";
import { BusAnswerAhead, BusConnection } from "./dbus-bus.ts";
import type { BusAnswer } from "./dbus-bus.ts";
import { granted, notTaken, roleOf } from "./dbus-claim.ts";
import { dbusIdentity } from "./dbus-identity.ts";
import type { ConsumerConnection, Credentials, Link, Toolbox } from "./plugin.ts";

/** Milliseconds from connecting to the first message: dbus-daemon's own auth_timeout. */
const TIMEOUT = 30_000;

/** The consumer is authenticated. The provider is still to be sent `preamble`, then `messages`. */
export interface Begun {
  readonly type: "begun";
  readonly consumer: PolledStream;
  readonly provider: PolledStream;
  /** Of the provider connection. */
  readonly credentials: Credentials;
  readonly preamble: Buffer;
  /** What the provider has to say to it, before any message. */
  readonly answer: BusAnswerAhead | undefined;
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
 * The consumer's authentication, from its NUL byte to BEGIN, or to its first message.
 *
 * The first consumer of a link is answered when the provider's bus has answered: it is to be told
 * the bus's guid. That is known from then on, and who a consumer is follows from its link, so the
 * others are answered at once. Their provider connection is made when their first message arrives,
 * and gets AUTH, BEGIN and the message in one piece, as from sd-bus: a consumer that says nothing
 * takes none of the places that a bus has for connections without Hello. Only where fds may pass
 * the provider is asked before, as it has to agree.
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
  /** What the consumer is to the provider, once it has been accepted. */
  #credentials: Credentials | undefined;
  /** Authenticated ahead of the first message. */
  #bus: BusConnection | undefined;
  /** What follows are messages. */
  #hasBegun = false;
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
      this.#fail(new Error(`no message within ${TIMEOUT} ms`));
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

  /** Not beyond an answer of the provider, nor one that the consumer does not take. */
  #mayGoOn(): boolean {
    return !this.#isWaiting && !this.#isOver && !this.#consumer.stalled;
  }

  #takeLine(text: string): void {
    const effect = this.#step(saslServerLine(this.#state, text));
    if (effect.type === "begin") {
      this.#hasBegun = true;
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

  /** The consumer is what its link says, whatever it claims. */
  #identify(claim: SaslClaim): void {
    this.#closeBus();
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
    const guid = guids.get(this.#link);
    if (guid !== undefined) {
      this.#step(saslServerAccept(this.#state, guid));
      return;
    }
    const onOpen = (_bus: BusConnection, told: string) =>
      this.#step(saslServerAccept(this.#state, told));
    this.#openBus(credentials, onOpen, () => this.#step(saslServerReject(this.#state)));
  }

  #negotiateFds(): void {
    const credentials = this.#credentials;
    if (credentials === undefined || !mayPassFds(this.#link)) {
      this.#step(saslServerDisagree(this.#state));
    } else if (this.#bus !== undefined) {
      this.#askForFds(this.#bus, credentials);
    } else {
      this.#openBus(credentials, (bus) => this.#askForFds(bus, credentials));
    }
  }

  /** A connection to the provider's bus that is authenticated before BEGIN. */
  #openBus(
    credentials: Credentials,
    onOpen: (bus: BusConnection, guid: string) => void,
    onRefused?: () => void,
  ): void {
    const refuse = (reason: string) => {
      onRefused?.();
      this.#refuse(notTaken(this.#link, credentials, reason));
    };
    const opened = (fd: number) => {
      const bus = new BusConnection(fd);
      this.#bus = bus;
      this.#ask(bus, saslClientStart(credentials.uid), (line) => {
        const answer = line.type === "line" ? saslClientAnswer(line.text) : line;
        if (answer.type !== "accepted") {
          refuse(answer.reason);
          return;
        }
        guids.set(this.#link, answer.guid);
        onOpen(bus, answer.guid);
      });
    };
    this.#dial(credentials, opened, refuse);
  }

  #askForFds(bus: BusConnection, credentials: Credentials): void {
    this.#ask(bus, saslClientNegotiate, (answer) => {
      if (answer.type === "failed") {
        this.#refuse(notTaken(this.#link, credentials, answer.reason));
        return;
      }
      this.#passesFds = answer.text === saslFdsAgreed;
      this.#step(this.#passesFds ? saslServerAgree(this.#state) : saslServerDisagree(this.#state));
    });
  }

  #closeBus(): void {
    this.#bus?.stream.close();
    this.#bus = undefined;
    this.#passesFds = false;
  }

  /** Behind BEGIN; a provider is connected to when there is something to tell it. */
  #awaitMessage(): void {
    const credentials = this.#credentials;
    if (credentials === undefined) return;
    if (this.#bus !== undefined) {
      this.#begin({ credentials, provider: this.#bus.stream, preamble: saslClientBegin });
    } else if (this.#lines.rest.length === 0) {
      this.#consumer.resume();
    } else {
      const opened = (fd: number) => {
        const provider = new PolledStream(fd, unheard);
        const preamble = Buffer.concat([saslClientStart(credentials.uid), saslClientBegin]);
        const answer = new BusAnswerAhead((guid) => guids.set(this.#link, guid));
        this.#begin({ credentials, provider, preamble, answer });
      };
      const refuse = (reason: string) => this.#refuse(notTaken(this.#link, credentials, reason));
      this.#dial(credentials, opened, refuse);
    }
  }

  /**
   * Connect to the provider's bus as `credentials` in the kernel.
   * @param opened owns the descriptor
   */
  #dial(
    credentials: Credentials,
    opened: (fd: number) => void,
    refuse: (reason: string) => void,
  ): void {
    let dialled: number | Promise<number>;
    try {
      const connection = this.#connection;
      dialled = this.#tools.dialProvider(this.#link, {
        credentials,
        get signal() {
          return connection.signal;
        },
      });
    } catch (error) {
      refuse(messageOf(error));
      return;
    }
    if (typeof dialled === "number") opened(dialled);
    else this.#wait(dialled, opened, refuse);
  }

  /** For a provider that cannot be reached yet. */
  #wait(
    dialled: Promise<number>,
    opened: (fd: number) => void,
    refuse: (reason: string) => void,
  ): void {
    this.#isWaiting = true;
    streamLoop().leave();
    dialled.then(
      (fd) => {
        if (this.#isOver) closeFd(fd);
        else this.#attempt(() => opened(fd));
      },
      (error: unknown) => {
        if (!this.#isOver) this.#attempt(() => refuse(messageOf(error)));
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

  #begin(way: Pick<Begun, "credentials" | "provider" | "preamble"> & Partial<Begun>): void {
    const [consumer, messages, passesFds] = [this.#consumer, this.#lines.rest, this.#passesFds];
    this.#end({ answer: undefined, ...way, type: "begun", consumer, messages, passesFds });
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

/**
 * What the link's bus has last said it is. A bus that starts anew in the same container has
 * another one; whoever is told the former one by then is served all the same.
 */
const guids = new WeakMap<Link, string>();

/** Until the session listens, within the same event. */
const unheard: StreamOwner = {
  onReadable: () => undefined,
  onDrained: () => undefined,
  onGone: () => undefined,
};

function mayPassFds(link: Link): boolean {
  return allowedFds(link).size > 0;
}
