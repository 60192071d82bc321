import { SaxesParser } from "saxes";
import type {
  InterfaceData,
  MessageData,
} from "../../broker/shared/protocols/wayland/interfaces.ts";

/** Interfaces of one protocol file, and its copyright notice. */
export interface ProtocolFile {
  readonly interfaces: ReadonlyMap<string, InterfaceData>;
  readonly copyright: string;
}

/** Letters of argument types, as wayland-scanner writes them in its signatures. */
const LETTERS: Readonly<Record<string, string>> = {
  int: "i",
  uint: "u",
  fixed: "f",
  string: "s",
  object: "o",
  new_id: "n",
  array: "a",
  fd: "h",
};

interface OpenMessage {
  readonly fixed: Omit<MessageData, "args" | "creates">;
  args: string;
  creates: string | undefined;
}

/**
 * Read a protocol description (wayland.dtd).
 * @throws Error for an argument type that is not in the DTD
 */
export function readProtocol(xml: string): ProtocolFile {
  const interfaces = new Map<string, InterfaceData>();
  let current = {
    name: "",
    version: 0,
    requests: [] as MessageData[],
    events: [] as MessageData[],
  };
  let message: OpenMessage | undefined;
  let copyright = "";
  let inCopyright = false;
  const parser = new SaxesParser();
  parser.on("opentag", ({ name, attributes }) => {
    if (name === "copyright") inCopyright = true;
    else if (name === "interface") {
      current = {
        name: attributes["name"] ?? "",
        version: Number(attributes["version"]),
        requests: [],
        events: [],
      };
    } else if (name === "request" || name === "event") {
      message = { fixed: messageFacts(attributes), args: "", creates: undefined };
    } else if (name === "arg" && message !== undefined) {
      message.args += signatureOf(attributes);
      if (attributes["type"] === "new_id") message.creates = attributes["interface"];
    }
  });
  parser.on("closetag", ({ name }) => {
    if (name === "copyright") inCopyright = false;
    else if (name === "interface") {
      const { name: own, ...rest } = current;
      interfaces.set(own, rest);
    } else if ((name === "request" || name === "event") && message !== undefined) {
      const { fixed, args, creates } = message;
      const done = { ...fixed, args, ...(creates !== undefined && { creates }) };
      (name === "request" ? current.requests : current.events).push(done);
      message = undefined;
    }
  });
  const addText = (text: string) => {
    if (inCopyright) copyright += text;
  };
  parser.on("text", addText);
  parser.on("cdata", addText);
  parser.on("error", (error) => {
    throw error;
  });
  parser.write(xml).close();
  return { interfaces, copyright: unindented(copyright) };
}

type Attributes = Readonly<Record<string, string | undefined>>;

function messageFacts({ name = "", since, type }: Attributes): OpenMessage["fixed"] {
  const isLater = since !== undefined && since !== "1";
  return {
    name,
    ...(isLater && { since: Number(since) }),
    ...(type === "destructor" && { destructor: true }),
  };
}

/** A new_id without an interface carries the interface's name and version before the id. */
function signatureOf({ type = "", interface: created, ...rest }: Attributes): string {
  const letter = LETTERS[type];
  if (letter === undefined) throw new Error(`unknown argument type ${JSON.stringify(type)}`);
  if (letter === "n" && created === undefined) return "sun";
  return rest["allow-null"] === "true" ? `?${letter}` : letter;
}

function unindented(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.join("\n").trim();
}
