/** Topics of `PVH_DEBUG`, each with what its lines show. */
export const DEBUG_TOPICS = {
  engine: "calls to the Docker engine",
  control: "calls to pv-ctrl",
  shell: "commands that run in an appengine",
  boot: "stages of a boot",
  filter: "the broker's decisions on D-Bus messages and REST requests",
} as const;

export type DebugTopic = keyof typeof DEBUG_TOPICS;

export interface DebugChoice {
  readonly topics: ReadonlySet<DebugTopic>;
  /** Words of the list that are no topic. */
  readonly unknown: readonly string[];
}

/** @param list `PVH_DEBUG`: topics separated by commas; `*` and `all` stand for all of them */
export function parseDebug(list: string | undefined): DebugChoice {
  const words = (list ?? "").split(",").map((word) => word.trim());
  const topics = new Set<DebugTopic>();
  const unknown: string[] = [];
  for (const word of words.filter((one) => one !== "")) {
    if (word === "*" || word === "all") ALL.forEach((topic) => topics.add(topic));
    else if (isTopic(word)) topics.add(word);
    else unknown.push(word);
  }
  return { topics, unknown };
}

const ALL = Object.keys(DEBUG_TOPICS).filter(isTopic);

function isTopic(word: string): word is DebugTopic {
  return Object.hasOwn(DEBUG_TOPICS, word);
}
