/** Speed and time left, from the batches that went through. */
export class StepClock {
  readonly #imagesInAll: number;
  #imagesDone = 0;
  #last = performance.now();
  #secondsPerImage = 0;
  #seen = 0;

  /** @param imagesInAll images that are still to be trained on, over all epochs */
  constructor(imagesInAll: number) {
    this.#imagesInAll = imagesInAll;
  }

  /** A batch is done. The mean forgets slowly, so that the figure follows the machine without dancing. */
  tick(images: number): void {
    const now = performance.now();
    const perImage = (now - this.#last) / 1000 / images;
    this.#last = now;
    this.#imagesDone += images;
    const weight = Math.max(0.1, 1 / ++this.#seen);
    this.#secondsPerImage += weight * (perImage - this.#secondsPerImage);
  }

  /** Forgets the time since the last batch: something else went on. */
  resume(): void {
    this.#last = performance.now();
  }

  get imagesPerSecond(): number {
    return this.#secondsPerImage > 0 ? 1 / this.#secondsPerImage : 0;
  }

  get secondsLeft(): number {
    return Math.max(0, this.#imagesInAll - this.#imagesDone) * this.#secondsPerImage;
  }
}
