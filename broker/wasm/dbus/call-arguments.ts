import { MalformedMessage } from "../../shared/protocols/dbus/malformed-message.ts";
import {
  isBusName,
  isInterfaceName,
  isMemberName,
  isObjectPath,
} from "../../shared/protocols/dbus/names.ts";
import { checkSignature, skipValue } from "../../shared/protocols/dbus/signature.ts";
import { WireReader } from "../../shared/protocols/dbus/wire-reader.ts";
import type { MessageBody } from "../../shared/protocols/dbus/write-message.ts";
import { GuestErrno } from "../guest-errno.ts";
import type { Call } from "./bus-connection.ts";

/** Bytes of a call's body, as many as a reply may have. */
const MAX_BODY = 1024 * 1024 - 4096;
const MAX_HEAD = 2048;

/**
 * A call as the guest gives it, checked here, since the broker ends a session for a malformed
 * message.
 * @param head `destination\0path\0interface\0member\0`; the interface may be empty
 * @throws GuestErrno EINVAL, EMSGSIZE
 */
export function callOf(head: Buffer, signature: Buffer, body: Buffer): Call {
  if (head.length > MAX_HEAD || body.length > MAX_BODY) throw new GuestErrno("EMSGSIZE");
  const [destination = "", path = "", name = "", member = "", end, ...more] = head
    .toString("latin1")
    .split("\0");
  const isValid =
    end === "" &&
    more.length === 0 &&
    isBusName(destination) &&
    isObjectPath(path) &&
    (name === "" || isInterfaceName(name)) &&
    isMemberName(member);
  if (!isValid) throw new GuestErrno("EINVAL");
  return { destination, path, interface: name, member, body: bodyOf(signature, body) };
}

function bodyOf(types: Buffer, bytes: Buffer): MessageBody {
  const signature = types.toString("latin1");
  try {
    checkSignature(signature);
    const reader = new WireReader(bytes, 0, true, 0, bytes.length);
    for (let at = 0; at < signature.length;) at = skipValue(reader, signature, at);
    // A guest has no descriptors to send.
    if (reader.position === bytes.length && !signature.includes("h")) return { signature, bytes };
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
  }
  throw new GuestErrno("EINVAL");
}
