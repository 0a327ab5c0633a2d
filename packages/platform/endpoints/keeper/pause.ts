/**
 * Waits. A signal ends it early; that is no error.
 * @param milliseconds may be less than nothing, and for ever
 */
export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || milliseconds <= 0) {
      resolve();
      return;
    }
    const timer = Number.isFinite(milliseconds) ? setTimeout(end, Math.ceil(milliseconds)) : undefined;
    function end() {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    }
    signal.addEventListener('abort', end);
  });
}
