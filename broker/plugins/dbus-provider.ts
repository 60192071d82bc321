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
import { BusAnswerAhead, BusConnection } from "./dbus-bus.ts";
import type { BusAnswer } from "./dbus-bus.ts";
import { notTaken } from "./dbus-claim.ts";
import type { ConsumerConnection, Credentials, Link, Toolbox } from "./plugin.ts";

/** A connection to the provider's bus, which is to be sent `preamble` and then messages. */
export interface ProviderWay {
  readonly provider: PolledStream;
  /** Who it is to the provider. */
  readonly credentials: Credentials;
  readonly preamble: Buffer;
  /** What the provider has to say to it, before any message. */
  readonly answer: BusAnswerAhead | undefined;
}

/** Who is told what becomes of it. */
export interface ProviderOwner {
  /** Runs what an event has to do with the owner. */
  attempt(work: () => void): void;
  /** There is to be no session. */
  refuse(reason: string): void;
}

/**
 * The way of one consumer to its provider's bus, connected as the consumer's role: authenticated
 * ahead of the consumer's BEGIN, or with its first message. What is asked of it is answered by a
 * call, or the owner is told that it is refused; at once or, while `isWaiting`, later.
 */
export class DbusProvider {
  readonly #link: Link;
  readonly #tools: Toolbox;
  readonly #connection: ConsumerConnection;
  readonly #owner: ProviderOwner;
  /** Authenticated ahead of the first message. */
  #bus: BusConnection | undefined;
  #isWaiting = false;
  #isOver = false;

  constructor(link: Link, tools: Toolbox, connection: ConsumerConnection, owner: ProviderOwner) {
    this.#link = link;
    this.#tools = tools;
    this.#connection = connection;
    this.#owner = owner;
  }

  /** The provider has to do something before the consumer's next line. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Of the link's bus, once some consumer's connection has been told it. */
  get guid(): string | undefined {
    return guids.get(this.#link);
  }

  /**
   * Connect and authenticate before BEGIN.
   * @param opened has to end with a reply to the consumer or with an end
   * @param rejected ahead of the owner's `refuse`
   */
  open(credentials: Credentials, opened: (guid: string) => void, rejected?: () => void): void {
    const refuse = (reason: string) => {
      rejected?.();
      this.#refuse(credentials, reason);
    };
    const connected = (fd: number) => {
      const bus = new BusConnection(fd);
      this.#bus = bus;
      this.#ask(bus, saslClientStart(credentials.uid), (line) => {
        const answer = line.type === "line" ? saslClientAnswer(line.text) : line;
        if (answer.type !== "accepted") {
          refuse(answer.reason);
          return;
        }
        guids.set(this.#link, answer.guid);
        opened(answer.guid);
      });
    };
    this.#dial(credentials, connected, refuse);
  }

  /**
   * Ask whether fds may pass, connecting first where that has not been done.
   * @param answered as `opened`
   */
  negotiateFds(credentials: Credentials, answered: (agreed: boolean) => void): void {
    const bus = this.#bus;
    if (bus === undefined) {
      this.open(credentials, () => this.negotiateFds(credentials, answered));
      return;
    }
    this.#ask(bus, saslClientNegotiate, (answer) => {
      if (answer.type === "failed") this.#refuse(credentials, answer.reason);
      else answered(answer.text === saslFdsAgreed);
    });
  }

  /** Whether `begin` does not connect any more. */
  get isOpen(): boolean {
    return this.#bus !== undefined;
  }

  /** @param begun owns the stream */
  begin(credentials: Credentials, begun: (way: ProviderWay) => void): void {
    if (this.#bus !== undefined) {
      const provider = this.#bus.stream;
      begun({ provider, credentials, preamble: saslClientBegin, answer: undefined });
      return;
    }
    const connected = (fd: number) => {
      const provider = new PolledStream(fd, unheard);
      const answer = new BusAnswerAhead((guid) => guids.set(this.#link, guid));
      begun({ provider, credentials, preamble: preambleOf(credentials), answer });
    };
    this.#dial(credentials, connected, (reason) => this.#refuse(credentials, reason));
  }

  /** Another attempt begins. */
  close(): void {
    this.#bus?.stream.close();
    this.#bus = undefined;
  }

  /** Nothing more is told, whatever comes. */
  abandon(): void {
    this.#isOver = true;
  }

  #refuse(credentials: Credentials, reason: string): void {
    this.#owner.refuse(notTaken(this.#link, credentials, reason));
  }

  /**
   * Connect to the provider's bus as `credentials` in the kernel.
   * @param connected owns the descriptor
   */
  #dial(
    credentials: Credentials,
    connected: (fd: number) => void,
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
    if (typeof dialled === "number") connected(dialled);
    else this.#wait(dialled, connected, refuse);
  }

  /** For a provider that cannot be reached yet. */
  #wait(
    dialled: Promise<number>,
    connected: (fd: number) => void,
    refuse: (reason: string) => void,
  ): void {
    this.#isWaiting = true;
    streamLoop().leave();
    dialled.then(
      (fd) => {
        if (this.#isOver) closeFd(fd);
        else this.#owner.attempt(() => connected(fd));
      },
      (error: unknown) => {
        if (!this.#isOver) this.#owner.attempt(() => refuse(messageOf(error)));
      },
    );
  }

  #ask(bus: BusConnection, question: Buffer, answered: (answer: BusAnswer) => void): void {
    this.#isWaiting = true;
    bus.ask(question, (answer) => {
      this.#owner.attempt(() => {
        this.#isWaiting = false;
        answered(answer);
      });
    });
  }
}

/**
 * What the link's bus has last said it is. A bus that starts anew in the same container has
 * another one; whoever is told the former one by then is served all the same.
 */
const guids = new WeakMap<Link, string>();

/** AUTH and BEGIN in one piece, by whom they are for. */
const preambles = new WeakMap<Credentials, Buffer>();

function preambleOf(credentials: Credentials): Buffer {
  let preamble = preambles.get(credentials);
  if (preamble === undefined) {
    preamble = Buffer.concat([saslClientStart(credentials.uid), saslClientBegin]);
    preambles.set(credentials, preamble);
  }
  return preamble;
}

/** Until the session listens, within the same event. */
const unheard: StreamOwner = {
  onReadable: () => undefined,
  onDrained: () => undefined,
  onGone: () => undefined,
};
