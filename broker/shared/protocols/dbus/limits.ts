/**
 * Bytes of a message. The specification allows 128 MiB; dbus-daemon takes 32 MiB unless its
 * configuration says otherwise (max_message_size). Bodies are passed on as they arrive and never
 * held, so this bounds time, not memory.
 */
export const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

/**
 * Bytes of the fixed header and its fields. Names have at most 255 bytes; only paths can be long.
 */
export const MAX_HEADER_BYTES = 64 * 1024;

/** Bytes of a message whose body has to be read: calls to the bus driver and its replies. */
export const MAX_EXAMINED_BYTES = 1024 * 1024;

/** Depth of arrays and of structures in a signature, each (specification, "Valid Signatures"). */
export const MAX_DEPTH = 32;
/** Depth of everything together, variants included ("Message Protocol", message validity). */
export const MAX_TOTAL_DEPTH = 64;

/** Bytes of an array's content ("Summary of D-Bus marshalling"). */
export const MAX_ARRAY_BYTES = 64 * 1024 * 1024;
