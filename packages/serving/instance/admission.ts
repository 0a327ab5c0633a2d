import { RequestError } from './request-error.ts';

export interface AdmissionLimits {
  /** Requests that are worked on at once. */
  readonly most: number;
  /** Requests that wait for that. */
  readonly mostWaiting: number;
  /** Milliseconds that a request waits. */
  readonly longestWait: number;
}

interface Waiting {
  enter(): void;
}

/** Lets so many requests in at once; the others wait in the order of their coming, not too many and not too long. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #queue = new Set<Waiting>();
  #inside = 0;
  /** Milliseconds that a request is inside, averaged over the last ones. */
  #usual = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** @throws RequestError (429) when so many wait already that one more would be sent away */
  requireRoom(): void {
    if (this.#inside >= this.#limits.most && this.#queue.size >= this.#limits.mostWaiting)
      throw this.#refusal(`${counted(this.#queue.size)} waiting already`);
  }

  /**
   * Comes back when the request may be worked on.
   *
   * @returns to be called when it is done
   * @throws RequestError (429) when there is no room; the reason of `signal`
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#inside >= this.#limits.most) {
      this.requireRoom();
      await this.#turn(signal);
    } else {
      this.#inside++;
    }
    const begun = performance.now();
    return () => {
      const took = performance.now() - begun;
      this.#usual = this.#usual === 0 ? took : 0.9 * this.#usual + 0.1 * took;
      const [next] = this.#queue;
      // Its place goes to the one that waited longest: nobody who comes now is let in before.
      if (next) next.enter();
      else this.#inside--;
    };
  }

  #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { enter: () => leave(resolve) };
    const leave = (then: () => void) => {
      this.#queue.delete(waiting);
      clearTimeout(timer);
      signal.removeEventListener('abort', aborted);
      then();
    };
    const aborted = () => leave(() => reject(signal.reason));
    const timer = setTimeout(
      () => leave(() => reject(this.#refusal(`the request waited ${this.#limits.longestWait} ms`))),
      this.#limits.longestWait,
    );
    signal.addEventListener('abort', aborted);
    this.#queue.add(waiting);
    return promise;
  }

  #refusal(why: string): RequestError {
    const { most } = this.#limits;
    const until = (this.#usual * (this.#queue.size + 1)) / most / 1000;
    const retryAfter = Math.min(60, Math.max(1, Math.ceil(until)));
    const message = `this instance works on ${most === 1 ? '1 request' : `${most} requests`} at once, and ${why}; try again in ${retryAfter} s, raise max_concurrent_requests_per_instance, or add instances`;
    return new RequestError(429, 'TooManyRequests', message, { retryAfter });
  }
}

const counted = (requests: number) => (requests === 1 ? '1 request is' : `${requests} requests are`);
