import { RequestError } from './request-error.ts';

/** What all requests together hold in memory, bounded. */
export class HeldBytes {
  readonly #most: number;
  readonly #holder: string;
  #held = 0;

  /** @param holder who holds them, as a client is told */
  constructor(most: number, holder: string) {
    this.#most = most;
    this.#holder = holder;
  }

  get held(): number {
    return this.#held;
  }

  /** @throws RequestError (429) when that is too much */
  take(bytes: number): void {
    if (this.#held + bytes > this.#most) {
      const message = `${this.#holder} holds as many bytes of requests as it may; try again in 1 s`;
      throw new RequestError(429, 'TooManyRequests', message, { retryAfter: 1 });
    }
    this.#held += bytes;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}
