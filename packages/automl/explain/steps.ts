import { setImmediate } from 'node:timers/promises';

/** Work in pieces of at most some tenths of a second each: between two of them it can be given up. */
export type Steps<T> = Generator<void, T, void>;

/**
 * Does one piece after the other, and lets others have their turn in between.
 *
 * @throws the reason of `signal` when it is aborted; what the work holds is freed then
 */
export async function inTurns<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
  try {
    for (;;) {
      signal?.throwIfAborted();
      const step = steps.next();
      if (step.done) return step.value;
      await setImmediate();
    }
  } finally {
    steps.return(undefined as never);
  }
}

/** Does all of it now. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
