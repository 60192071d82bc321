import { closeSync, fstatSync, openSync } from "node:fs";
import { expect, test } from "vitest";
import { Session } from "./session.ts";

test("the connection is its taker's, once", () => {
  const fd = openSync("/dev/null", "r");
  const session = new Session(fd);
  expect(session.take()).toBe(fd);
  expect(() => session.take()).toThrow("taken");
  session[Symbol.dispose]();
  expect(fstatSync(fd).isCharacterDevice()).toBe(true);
  closeSync(fd);
});

test("a connection that was not taken is closed with the session", () => {
  const fd = openSync("/dev/null", "r");
  new Session(fd)[Symbol.dispose]();
  expect(() => fstatSync(fd)).toThrow("EBADF");
});

test("the callback for the end is called once, also when it is set too late", () => {
  const session = new Session(openSync("/dev/null", "r"));
  const done: string[] = [];
  session.onEnd(() => done.push("replaced"));
  session.onEnd(({ message }) => done.push(message));
  session.end(new Error("gone"));
  session.end(new Error("gone again"));
  session.onEnd(({ message }) => done.push(`late: ${message}`));
  session.onEnd(undefined);
  expect(done).toEqual(["gone", "late: gone"]);
  session[Symbol.dispose]();
});

test("the signal says why it has ended, whenever it is asked for", () => {
  const session = new Session(openSync("/dev/null", "r"));
  const why = new Error("the link has gone");
  expect(session.hasEnded).toBe(false);
  session.end(why);
  expect([session.hasEnded, session.signal.aborted, session.signal.reason]).toEqual([
    true,
    true,
    why,
  ]);
  session[Symbol.dispose]();
});
