import fc from "fast-check";
import { expect, it } from "vitest";
import type { GraphEntry } from "../../shared/formats/graph.ts";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";
import { none } from "../../shared/quirks/quirks.ts";
import { ANY_INODE } from "../peers/injection.ts";
import { LinkRecord } from "./link-record.ts";
import { hostPeer } from "../peers/unpinned-peer.ts";
import { SessionBudget } from "../planes/session-budget.ts";
import { SessionLimits } from "./session-limits.ts";

/** A listener that only records if it is paused. */
class Listener {
  readonly reasons = new Set<string>();
  readonly kind = "stream" as const;

  pause(reason: string): void {
    this.reasons.add(reason);
  }

  resume(reason: string): void {
    this.reasons.delete(reason);
  }

  isPaused(reason: string): boolean {
    return this.reasons.has(reason);
  }

  close(): void {
    this.reasons.clear();
  }
}

function recordOf(consumer: string, name: string): { record: LinkRecord; listener: Listener } {
  const entry: GraphEntry = {
    ...{ consumer, consumer_pid: 1, provider: "p", provider_pid: 1, name, type: "unix" },
    ...{ role: "any", interface: null, target: "/t", socket: "/s" },
  };
  const ends = { consumer: hostPeer, provider: hostPeer };
  const link = { ...entry, target: "/t", entry, consumerPid: 1, providerPid: 1 };
  const record = new LinkRecord({ key: name, entry, target: "/t", ...ends }, link);
  const listener = new Listener();
  record.plant = { planted: ANY_INODE, listener };
  return { record, listener };
}

const timers = () => process.getActiveResourcesInfo().filter((what) => what === "Timeout").length;

it("a link is paused while it may open no more, and goes on when it may again", () => {
  const step = fc.record({ of: fc.nat(2), opens: fc.boolean() });
  fc.assert(
    fc.property(
      fc.integer({ min: 66, max: 76 }),
      fc.array(step, { maxLength: 30 }),
      (limit, steps) => {
        const before = timers();
        const links = [recordOf("a", "one"), recordOf("a", "two"), recordOf("b", "one")];
        const open = () => links.reduce((sum, { record }) => sum + record.openSessions, 0);
        const limits = new SessionLimits(new SessionBudget({ limit, open }, none), () => undefined);
        const sessions = links.map((): (() => void)[] => []);
        const close = (of: number) => {
          const end = sessions[of]?.pop();
          const record = links[of]?.record;
          if (end === undefined || record === undefined) return;
          end();
          limits.closed(record);
          for (const one of links) {
            if (limits.mayOpen(one.record)) expect(one.listener.isPaused("limit")).toBe(false);
          }
        };
        for (const { of, opens } of steps) {
          const { record, listener } = links[of] ?? recordOf("x", "x");
          if (opens && !listener.isPaused("limit")) {
            const session = record.beginSession(-1);
            // The test's sessions have no descriptor to close.
            session.take();
            sessions[of]?.push(() => record.finishSession(session));
            limits.opened(record);
            expect(listener.isPaused("limit")).toBe(!limits.mayOpen(record));
          } else close(of);
        }
        for (const of of sessions.keys()) while ((sessions[of]?.length ?? 0) > 0) close(of);
        expect(links.filter(({ listener }) => listener.isPaused("limit"))).toEqual([]);
        // The timer runs only while a listener is paused.
        expect(timers()).toBe(before);
        for (const consumer of ["a", "b"])
          expect(Atomics.load(limits.sessionsOf(consumer), 0)).toBe(0);
      },
    ),
    { numRuns: PROPERTY_RUNS },
  );
});
