import { PvhError } from "../errors.ts";

const UNREACHABLE =
  /ECONNREFUSED|ENOENT|ECONNRESET|EACCES|EPIPE|ENOTFOUND|ENOTSOCK|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|socket hang up/;

/**
 * Turn a failure of the engine into a PvhError. Each message is the engine's own text: it says
 * most; what pvh adds is the code and the next command.
 *
 * @param subject the image, container or file that the request was about
 */
export function engineError(error: unknown, subject: string): PvhError {
  if (error instanceof PvhError) return error;
  const text = errorText(error);
  const status = statusOf(error);
  const details = { cause: error };
  if (/no space left on device|ENOSPC/i.test(text)) {
    return new PvhError("PVH_NO_SPACE", `${subject}: ${text}`, {
      ...details,
      hint: "pvh doctor shows the disks; free some space",
    });
  }
  if (/no such image|image not known|reference does not exist|pull access denied/i.test(text)) {
    return new PvhError("PVH_IMAGE_MISSING", `image ${subject} is not on the engine`, {
      ...details,
      hint: "pvh build makes the reference image, pvh load TARBALL loads another",
    });
  }
  if (status === 409 && /already in use/i.test(text)) {
    return new PvhError("PVH_NAME_IN_USE", `the name ${subject} is taken: ${text}`, {
      ...details,
      hint: `pvh down ${subject} if pvh ps lists it, or choose another name`,
    });
  }
  if (UNREACHABLE.test(text)) {
    if (status === undefined) {
      return new PvhError("PVH_ENGINE_UNREACHABLE", `the engine does not answer: ${text}`, {
        ...details,
        hint: "pvh doctor",
      });
    }
  }
  if (isAbort(error)) return new PvhError("PVH_ABORTED", `cancelled: ${subject}`, details);
  return new PvhError("PVH_ENGINE", `${subject}: ${text}`, details);
}

/** Nobody at the engine answers any more, whatever the request was about. */
export function isEngineGone(error: unknown): error is PvhError {
  if (!(error instanceof PvhError)) return false;
  return error.code === "PVH_ENGINE_UNREACHABLE" || error.code === "PVH_ENGINE_SILENT";
}

/** The engine's answer was a 404: what was asked for is not (or no longer) there. */
export function isNotFound(error: unknown): boolean {
  return statusOf(error) === 404;
}

/** The engine refuses because something else is using it, or it is going away already. */
export function isConflict(error: unknown): boolean {
  return statusOf(error) === 409;
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("statusCode" in error)) return undefined;
  return typeof error.statusCode === "number" ? error.statusCode : undefined;
}

/** dockerode wraps the engine's own words as `(HTTP code 500) server error - words`. */
function errorText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^\(HTTP code \d+\) [a-z ]+ - /, "").trim();
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
}
