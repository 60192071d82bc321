type Hear = (error: unknown) => void;

const hearing = new Set<Hear>();

/**
 * Hear of every error that nothing in this process catches, until it is disposed of. The
 * listeners of `uncaughtException`, which end the process, do not hear of it.
 */
export function hearUncaught(hear: Hear): Disposable {
  // Several runs may go at the same time: nobody knows whose error it is.
  if (hearing.size === 0) {
    process.setUncaughtExceptionCaptureCallback((error) => {
      for (const one of hearing) one(error);
    });
  }
  hearing.add(hear);
  return {
    [Symbol.dispose]() {
      hearing.delete(hear);
      if (hearing.size === 0) process.setUncaughtExceptionCaptureCallback(null);
    },
  };
}
