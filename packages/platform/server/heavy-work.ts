import { Refusal } from '../refusal.ts';

/** Lets so many requests at a time do what reads many files; the next is told to come again. */
export class HeavyWork {
  readonly #most: number;
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @throws Refusal (`busy`) when there is no room */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#most) {
      const message = `the files of ${this.#running} requests are being read; try again in 5 s`;
      throw new Refusal('busy', 'TooManyRequests', message, { retryAfter: 5 });
    }
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
    }
  }
}
