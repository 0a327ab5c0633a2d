/**
 * Waits. A signal ends it early; that is no error.
 * @param milliseconds may be less than nothing
 */
export function pause(milliseconds: number, ...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    if (signals.some(({ aborted }) => aborted) || milliseconds <= 0) {
      resolve();
      return;
    }
    const timer = setTimeout(end, Math.ceil(milliseconds));
    function end() {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', end);
      resolve();
    }
    for (const signal of signals) signal.addEventListener('abort', end);
  });
}
