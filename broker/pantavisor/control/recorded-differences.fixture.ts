import type { ReplyBytes } from "./recorded-exchange.fixture.ts";

/** One field in which our reply is not the recorded one. */
export interface Difference {
  readonly what: string;
  /** `replies`, `status`, `type`, or a path in the body. */
  readonly field: string;
  readonly recorded: unknown;
  readonly ours: unknown;
}

export function differencesBetween(
  what: string,
  recorded: readonly ReplyBytes[],
  ours: readonly ReplyBytes[],
): Difference[] {
  if (recorded.length !== ours.length) {
    return [{ what, field: "replies", recorded: recorded.length, ours: ours.length }];
  }
  return recorded.flatMap((one, index) => {
    const other = ours[index] ?? one;
    const before = recorded.length > 1 ? `${index + 1}.` : "";
    return [
      ...compare(what, `${before}status`, one.status, other.status),
      ...compare(what, `${before}type`, one.type, other.type),
      ...compare(what, `${before}body`, parse(one.body), parse(other.body)),
    ];
  });
}

function compare(what: string, field: string, recorded: unknown, ours: unknown): Difference[] {
  if (isObject(recorded) && isObject(ours)) {
    const keys = new Set([...Object.keys(recorded), ...Object.keys(ours)]);
    return [...keys].flatMap((key) => compare(what, `${field}/${key}`, recorded[key], ours[key]));
  }
  return recorded === ours ? [] : [{ what, field, recorded, ours }];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
