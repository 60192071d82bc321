import { expect } from "vitest";
import type { FdType } from "../../../shared/formats/fd-types.ts";
import { FIRST_SERVER_ID } from "../../../shared/protocols/wayland/limits.ts";
import { encodeMessage as wire } from "../../../shared/protocols/wayland/encode-message.ts";
import type { ForeignFd } from "../../planes/foreign-fds.ts";
import { Mediator } from "./mediator.ts";
import { WaylandWay } from "./way.ts";
import type { WayOptions } from "./way.ts";

/** Versions that brought the destructors which the model's client sends. */
const LEAST: Readonly<Record<string, number>> = { wl_seat: 3, wl_data_device_manager: 2 };

/** Globals of the model's compositor; those without a cap are hidden. */
const GLOBALS = [
  { interface: "wl_compositor", version: 5, cap: 4 },
  { interface: "wl_shm", version: 1, cap: 1 },
  { interface: "wl_seat", version: 7, cap: 7 },
  { interface: "wl_data_device_manager", version: 3, cap: 3 },
  { interface: "zwlr_screencopy_manager_v1", version: 3, cap: undefined },
  { interface: "xdg_wm_base", version: 3, cap: undefined },
] as const;

export const POLICY: ReadonlyMap<string, number> = new Map(
  GLOBALS.flatMap(({ interface: name, cap }) => (cap === undefined ? [] : [[name, cap] as const])),
);

interface Sent {
  readonly bytes: Buffer;
  readonly fds: readonly number[];
  /** Message that arrives at the other side; undefined when the message stays hidden. */
  readonly arrives: Buffer | undefined;
  /** Effect on the other side once it has arrived. */
  readonly effect: () => void;
}

/** One side's messages on their way through the mediator. */
class Pipe {
  readonly #sent: Sent[] = [];
  readonly #way: WaylandWay;
  /** Bytes and fds that have been written and not been given to the mediator. */
  #bytes: Buffer = Buffer.alloc(0);
  readonly #fds: ForeignFd[] = [];
  /** Fds of messages, by the offset of their message in all bytes written. */
  #due: number[] = [];
  #arrived: Buffer = Buffer.alloc(0);
  readonly #arrivedFds: number[] = [];

  constructor(rules: Pick<WayOptions, "skip" | "judge">) {
    this.#way = new WaylandWay({
      ...rules,
      pass: (bytes, fds) => {
        this.#arrived = Buffer.concat([this.#arrived, bytes]);
        this.#arrivedFds.push(...fds.map(({ fd }) => fd));
      },
    });
  }

  get isEmpty(): boolean {
    return this.#sent.length === 0;
  }

  send(sent: Sent, type: FdType): void {
    this.#sent.push(sent);
    for (const fd of sent.fds) {
      this.#due.push(this.#bytes.length);
      this.#fds.push({ fd, kind: { type, name: type } });
    }
    this.#bytes = Buffer.concat([this.#bytes, sent.bytes]);
  }

  /**
   * Give some bytes to the mediator, with the fds of the messages that begin in them.
   * @param ahead further fds that come early
   */
  move(count: number, ahead: number): void {
    const chunk = Buffer.from(this.#bytes.subarray(0, count));
    const needed = this.#due.filter((at) => at < chunk.length).length;
    const fds = this.#fds.splice(0, needed + ahead);
    this.#due = this.#due.slice(fds.length).map((at) => at - chunk.length);
    this.#bytes = this.#bytes.subarray(chunk.length);
    this.#way.take(Buffer.concat([this.#way.rest, chunk]), fds);
    this.#deliver();
  }

  moveAll(): void {
    this.move(this.#bytes.length, 0);
  }

  expectNothingLeft(): void {
    expect(this.#way.takeUnclaimed()).toEqual([]);
    expect([this.#arrived.length, this.#arrivedFds, this.#sent.length]).toEqual([0, [], 0]);
  }

  #deliver(): void {
    for (let [first] = this.#sent; first !== undefined; [first] = this.#sent) {
      const { arrives, fds, effect } = first;
      if (arrives === undefined) {
        // Nothing shows when it is dropped: take it for dropped when its bytes have been given.
        if (!this.#isGiven()) return;
        this.#sent.shift();
        continue;
      }
      if (this.#arrived.length < arrives.length) return;
      expect(this.#arrived.subarray(0, arrives.length)).toEqual(arrives);
      expect(this.#arrivedFds.splice(0, fds.length)).toEqual(fds);
      this.#arrived = this.#arrived.subarray(arrives.length);
      this.#sent.shift();
      effect();
    }
  }

  #isGiven(): boolean {
    const waiting = this.#sent.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const [first] = this.#sent;
    return waiting - (first?.bytes.length ?? 0) >= this.#bytes.length;
  }
}

type Thing =
  | "registry"
  | "callback"
  | "compositor"
  | "shm"
  | "seat"
  | "manager"
  | "surface"
  | "pool"
  | "keyboard"
  | "device"
  | "source"
  | "offer";

const OF_GLOBAL: Readonly<Record<string, Thing>> = {
  wl_compositor: "compositor",
  wl_shm: "shm",
  wl_seat: "seat",
  wl_data_device_manager: "manager",
};

/** Opcodes of the destructors that the model's client sends. */
const DESTRUCTORS: Partial<Record<Thing, number>> = {
  surface: 0,
  pool: 1,
  keyboard: 0,
  device: 2,
  source: 1,
  offer: 2,
};

/**
 * For tests: a client and a compositor that keep the rules of the protocol, with the mediator
 * between them. Each knows only what has arrived, so that destroyed objects get late events, ids
 * are reused, and fds travel with messages for zombies.
 */
export class Conversation {
  readonly mediator = new Mediator(POLICY);
  readonly #up = new Pipe({
    skip: (...place) => this.mediator.skipRequests(...place),
    judge: (...message) => this.mediator.request(...message),
  });
  readonly #down = new Pipe({
    skip: (...place) => this.mediator.skipEvents(...place),
    judge: (...message) => this.mediator.event(...message),
  });
  readonly #client = new Map<number, Thing>();
  readonly #server = new Map<number, Thing>();
  readonly #free: number[] = [];
  readonly #freeOffers: number[] = [];
  readonly #toldNames = new Map<number, (typeof GLOBALS)[number]>();
  #lastId = 1;
  #lastOffer = FIRST_SERVER_ID - 1;
  #lastFd = 100;
  #lastName = 0;

  /** Let one side act, or move bytes, as the choice says. */
  step(choice: number): void {
    const [act, rest] = [choice % 4, Math.floor(choice / 4)];
    if (act === 0) this.#clientActs(rest);
    else if (act === 1) this.#compositorActs(rest);
    else {
      const pipe = act === 2 ? this.#up : this.#down;
      const sizes = [1, 2, 3, 5, 8, 24, 200, 5000];
      pipe.move(sizes[rest % sizes.length] ?? 1, Math.floor(rest / sizes.length) % 3);
    }
  }

  /** Destroy what can be destroyed, and let all messages arrive. */
  finish(): void {
    this.#settle();
    for (const [id, thing] of this.#client) {
      const opcode = DESTRUCTORS[thing];
      if (opcode !== undefined) this.#request(wire(id, opcode), [], () => this.#destroyed(id));
      if (opcode !== undefined) this.#client.delete(id);
    }
    for (const [id, thing] of this.#server) {
      if (thing === "callback") this.#done(id);
    }
    this.#settle();
    for (const pipe of [this.#up, this.#down]) pipe.expectNothingLeft();
    expect(this.mediator.objects.live).toBe(this.#client.size + 1);
  }

  #settle(): void {
    // Each round lets at least one message arrive that another one caused.
    for (let round = 0; !this.#up.isEmpty || !this.#down.isEmpty; round += 1) {
      expect(round).toBeLessThan(100);
      this.#up.moveAll();
      this.#down.moveAll();
    }
  }

  #clientActs(choice: number): void {
    const acts: (() => void)[] = [
      () => this.#makeRegistry(),
      () => this.#make("callback", (id) => wire(1, 0, id)),
    ];
    for (const [name, global] of this.#toldNames) {
      acts.push(() => this.#bind(name, global, choice));
    }
    for (const [id, thing] of this.#client) acts.push(...this.#uses(id, thing));
    acts[choice % acts.length]?.();
  }

  #uses(id: number, thing: Thing): (() => void)[] {
    const destructor = DESTRUCTORS[thing];
    const destroy = () => {
      this.#client.delete(id);
      this.#request(wire(id, destructor ?? 0), [], () => this.#destroyed(id));
    };
    const ends = destructor === undefined ? [] : [destroy];
    const seat = this.#one("seat");
    switch (thing) {
      case "compositor":
        return [() => this.#make("surface", (made) => wire(id, 0, made))];
      case "surface":
        return [
          ...ends,
          () => this.#request(wire(id, 1, 0, 0, 0), []),
          () => this.#request(wire(id, 2, 0, 0, 9, 9), []),
          () => this.#make("callback", (made) => wire(id, 3, made)),
        ];
      case "shm":
        return [() => this.#make("pool", (made) => wire(id, 0, made, 4096), [this.#fd()])];
      case "seat":
        return [() => this.#make("keyboard", (made) => wire(id, 1, made))];
      case "manager":
        return [
          () => this.#make("source", (made) => wire(id, 0, made)),
          ...(seat === undefined ? [] : [() => this.#make("device", (m) => wire(id, 1, m, seat))]),
        ];
      case "source":
        return [...ends, () => this.#request(wire(id, 0, "text/plain"), [])];
      case "offer":
        return [
          ...ends,
          () => this.#request(wire(id, 1, "text/plain"), [this.#fd()], NOTHING, "pipe"),
        ];
      default:
        return ends;
    }
  }

  #compositorActs(choice: number): void {
    const acts: (() => void)[] = [];
    for (const [id, thing] of this.#server) {
      if (thing === "callback") acts.push(() => this.#done(id));
      if (thing === "keyboard") {
        const keymap = () => this.#event(wire(id, 0, 1, 64), [this.#fd()]);
        acts.push(keymap, () => this.#event(wire(id, 1, 1, 3, Buffer.alloc(choice % 9)), []));
      }
      if (thing === "device") acts.push(() => this.#offer(id));
      if (thing === "offer") acts.push(() => this.#event(wire(id, 0, "text/plain"), []));
      if (thing === "source") {
        acts.push(() => this.#event(wire(id, 1, "text/plain"), [this.#fd()], NOTHING, "pipe"));
      }
      if (thing === "registry") acts.push(() => this.#announce(id, choice));
    }
    acts[choice % acts.length]?.();
  }

  #makeRegistry(): void {
    this.#make("registry", (id) => wire(1, 1, id));
  }

  #announce(registry: number, choice: number): void {
    const global = GLOBALS[choice % GLOBALS.length] ?? GLOBALS[0];
    const name = (this.#lastName += 1);
    const shown = (version: number) => wire(registry, 0, name, global.interface, version);
    const { cap, version } = global;
    const told = () => this.#toldNames.set(name, global);
    this.#down.send(
      {
        bytes: shown(version),
        fds: [],
        arrives: cap === undefined ? undefined : shown(Math.min(version, cap)),
        effect: told,
      },
      "memfd",
    );
  }

  #bind(name: number, global: (typeof GLOBALS)[number], choice: number): void {
    const thing = OF_GLOBAL[global.interface];
    const version = Math.max(1 + (choice % (global.cap ?? 1)), LEAST[global.interface] ?? 1);
    if (thing !== undefined && this.#one(thing) === undefined) {
      const registry = this.#one("registry") ?? 0;
      this.#make(thing, (id) => wire(registry, 0, name, global.interface, version, id));
    }
  }

  #make(thing: Thing, request: (id: number) => Buffer, fds: readonly number[] = []): void {
    const id = this.#free.shift() ?? (this.#lastId += 1);
    this.#client.set(id, thing);
    this.#request(request(id), fds, () => this.#server.set(id, thing));
  }

  #offer(device: number): void {
    const id = this.#freeOffers.shift() ?? (this.#lastOffer += 1);
    this.#server.set(id, "offer");
    this.#event(wire(device, 0, id), [], () => this.#client.set(id, "offer"));
  }

  #done(callback: number): void {
    this.#server.delete(callback);
    this.#event(wire(callback, 0, 7), [], () => this.#client.delete(callback));
    this.#deleteId(callback);
  }

  /** The compositor has got the destroy request. */
  #destroyed(id: number): void {
    this.#server.delete(id);
    if (id >= FIRST_SERVER_ID) this.#freeOffers.push(id);
    else this.#deleteId(id);
  }

  #deleteId(id: number): void {
    this.#event(wire(1, 1, id), [], () => this.#free.push(id));
  }

  #request(bytes: Buffer, fds: readonly number[], effect = NOTHING, type: FdType = "memfd"): void {
    this.#up.send({ bytes, fds, arrives: bytes, effect }, type);
  }

  #event(bytes: Buffer, fds: readonly number[], effect = NOTHING, type: FdType = "memfd"): void {
    this.#down.send({ bytes, fds, arrives: bytes, effect }, type);
  }

  #one(wanted: Thing): number | undefined {
    return [...this.#client].find(([, thing]) => thing === wanted)?.[0];
  }

  #fd(): number {
    return (this.#lastFd += 1);
  }
}

const NOTHING: () => unknown = () => undefined;
