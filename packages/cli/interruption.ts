/** The signals that ask a command to end, and what the process ends with then: 128 + the signal's number. */
const exitCodeOf = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
/** Ctrl-C is SIGINT; a terminal that is closed sends SIGHUP. */
export type Stopping = keyof typeof exitCodeOf;

export interface Interruption {
  /** Aborted at the first Ctrl-C (or SIGTERM, or a closed terminal). */
  readonly signal: AbortSignal;
  /** The exit code that the signal asks for, or null when none came. */
  exitCode(): number | null;
  /** Signals end the process again, as they do by default. */
  release(): void;
}

/**
 * One Ctrl-C may arrive several times: from the terminal, which signals all of its group, and again from npx and the
 * launcher, which hand it on. What comes this soon after the first is the same press.
 */
const samePressMilliseconds = 400;

/** From here on the first signal is a request (`onFirst` is told), and the second ends the process at once. */
export function onInterruption(onFirst: (name: Stopping) => void): Interruption {
  const controller = new AbortController();
  let first: Stopping | null = null;
  let firstAt = 0;
  const listen = (name: Stopping) => {
    if (first !== null) {
      if (performance.now() - firstAt > samePressMilliseconds) process.exit(exitCodeOf[name]);
      return;
    }
    first = name;
    firstAt = performance.now();
    onFirst(name);
    controller.abort();
  };
  const names = Object.keys(exitCodeOf) as Stopping[];
  for (const name of names) process.on(name, listen);
  return {
    signal: controller.signal,
    exitCode: () => (first === null ? null : exitCodeOf[first]),
    release() {
      for (const name of names) process.off(name, listen);
    },
  };
}
