/** So many may hold one at once; the others wait in the order of their coming. */
export class Permits {
  #free: number;
  readonly #queue = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** @throws the reason of the signal */
  async hold<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      const [next] = this.#queue;
      if (next) next();
      else this.#free++;
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (then: () => void) => {
      this.#queue.delete(enter);
      signal.removeEventListener('abort', aborted);
      then();
    };
    const enter = () => leave(resolve);
    const aborted = () => leave(() => reject(signal.reason));
    signal.addEventListener('abort', aborted);
    this.#queue.add(enter);
    return promise;
  }
}
