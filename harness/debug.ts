import { createRequire } from "node:module";
import type * as Pino from "pino";
import type * as PinoPretty from "pino-pretty";
import { DEBUG_TOPICS, parseDebug } from "../broker/shared/debug-topics.ts";
import type { DebugTopic } from "../broker/shared/debug-topics.ts";
import { choosePaint, noPaint } from "../reports/paint.ts";
import { printableLine } from "../reports/printable.ts";
import { PvhError } from "./errors.ts";
import { didYouMean } from "./near-names.ts";

/** Writes one line of a topic; of a long text the beginning. */
export type DebugLog = (text: string) => void;

/** Characters of a text; with time, level, topic and pid a line has at most 500. */
const LONGEST_TEXT = 440;

/**
 * Topics that `PVH_DEBUG` names.
 * @throws PvhError PVH_USAGE for a word that is no topic
 */
export function debugTopics(list = process.env["PVH_DEBUG"]): ReadonlySet<DebugTopic> {
  const { topics, unknown } = parseDebug(list);
  const [word] = unknown;
  if (word === undefined) return topics;
  const names = Object.keys(DEBUG_TOPICS);
  const known = `topics are ${names.join(", ")}, and all`;
  const near = didYouMean(word, names);
  throw new PvhError("PVH_USAGE", `PVH_DEBUG: '${word}' is not a topic; ${known}`, {
    hint: near ?? "PVH_DEBUG=all",
  });
}

/**
 * Log of a topic, on stderr; undefined while `PVH_DEBUG` does not name it, so that a call with `?.`
 * costs nothing and composes no text.
 * @throws PvhError PVH_USAGE
 */
export function debugLog(topic: DebugTopic): DebugLog | undefined {
  if (!debugTopics().has(topic)) return undefined;
  const logger = openLogger(topic, (line) => void process.stderr.write(line));
  return (text) => logger.debug(printableLine(text, LONGEST_TEXT));
}

/** Load pino only here: without `PVH_DEBUG` nobody pays for it at the start. */
function openLogger(topic: DebugTopic, write: (line: string) => void): Pino.Logger {
  const load = createRequire(import.meta.url);
  const { pino } = load("pino") as typeof Pino;
  const { prettyFactory } = load("pino-pretty") as typeof PinoPretty;
  const pretty = prettyFactory({
    colorize: choosePaint(process.env, process.stderr.isTTY) !== noPaint,
    ignore: "hostname",
    translateTime: "UTC:HH:MM:ss.l",
  });
  return pino({ name: topic, level: "debug" }, { write: (json) => write(pretty(json)) });
}

/** Whole milliseconds since `begun`, a reading of `performance.now()`. */
export function millisecondsSince(begun: number): number {
  return Math.round(performance.now() - begun);
}
