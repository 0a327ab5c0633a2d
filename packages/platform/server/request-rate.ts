import { Refusal } from '../refusal.ts';

/** Lets each of those who ask have so many requests at once, and so many a second from then on. */
export class RequestRate {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #now: () => number;
  readonly #left = new Map<string, { tokens: number; at: number }>();

  /** @param now milliseconds of a clock that does not jump */
  constructor(burst: number, perSecond: number, now: () => number = () => performance.now()) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#now = now;
  }

  /** Counts a request. @throws Refusal when it is one too many */
  take(who: string): void {
    const at = this.#now();
    const known = this.#left.get(who);
    const tokens = known
      ? Math.min(this.#burst, known.tokens + ((at - known.at) / 1000) * this.#perSecond)
      : this.#burst;
    if (tokens < 1) {
      this.#left.set(who, { tokens, at });
      const retryAfter = Math.max(1, Math.ceil((1 - tokens) / this.#perSecond));
      const message = `more than ${this.#perSecond} requests a second; try again in ${retryAfter} s`;
      throw new Refusal('busy', 'TooManyRequests', message, { retryAfter });
    }
    this.#left.set(who, { tokens: tokens - 1, at });
    if (this.#left.size > 10_000) this.#forget(at);
  }

  #forget(at: number): void {
    for (const [who, known] of this.#left) {
      if (known.tokens + ((at - known.at) / 1000) * this.#perSecond >= this.#burst) this.#left.delete(who);
    }
  }
}
