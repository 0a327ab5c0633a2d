import { isGone } from './process-token.ts';
import type { Lease } from './rows.ts';

/** After so long without a beat a lease may be taken over, in milliseconds. */
export const silence = 10_000;

/** No more than this is counted between two looks, in milliseconds. */
const longestLook = 2_000;

/**
 * Tells an observer which leases it may take over: those whose process is gone, and those that have not beaten through ten seconds of
 * watching. No clock of another machine and no wall clock is asked. Time in which the observer did not look does not count, so that a
 * machine that slept does not take its own processes for dead when it wakes up.
 *
 * Look at least once every two seconds. Taking over is `Leases.takeOver` with the lease that was looked at.
 */
export class LeaseWatch {
  #seen = new Map<string, { owner: string | null; beat: number; quiet: number; looked: number }>();
  readonly #now: () => number;
  readonly #isGone: (token: string) => boolean;

  /** @param parts a monotonic clock in milliseconds, and what tells that a process is gone: tests have their own */
  constructor(parts: { now?: () => number; isGone?: (token: string) => boolean } = {}) {
    this.#now = parts.now ?? (() => performance.now());
    this.#isGone = parts.isGone ?? isGone;
  }

  /**
   * Looks at a lease, as it was just read.
   * @param key what it is a lease of: `job/amber_lynx`
   * @returns whether it may be taken over; true, too, when nobody holds it
   */
  lapsed(key: string, { owner, beat }: Lease): boolean {
    if (owner === null || this.#isGone(owner)) return true;
    const now = this.#now();
    const before = this.#seen.get(key);
    const same = before?.owner === owner && before.beat === beat;
    const quiet = same ? before.quiet + Math.min(now - before.looked, longestLook) : 0;
    this.#seen.set(key, { owner, beat, quiet, looked: now });
    return quiet >= silence;
  }

  /** Leases that are not looked at any more, such as those of jobs that ended, need not be remembered. */
  forget(key: string): void {
    this.#seen.delete(key);
  }
}
