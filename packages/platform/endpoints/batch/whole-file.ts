import { createWriteStream, type WriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { finished } from 'node:stream/promises';

/** A text file that is there when it is whole. Its methods throw the system's error where it cannot be written. */
export class WholeFile {
  readonly #path: string;
  readonly #stream: WriteStream;

  constructor(path: string) {
    this.#path = path;
    this.#stream = createWriteStream(`${path}.tmp`, { flush: true });
    // It may fail between two rows; the next one is told.
    this.#stream.on('error', () => {});
  }

  async write(text: string): Promise<void> {
    if (this.#stream.errored) throw this.#stream.errored;
    if (this.#stream.write(text)) return;
    await new Promise<void>((resolve, reject) => {
      this.#stream.once('drain', resolve);
      this.#stream.once('error', reject);
    });
  }

  async close(): Promise<void> {
    if (this.#stream.errored) throw this.#stream.errored;
    this.#stream.end();
    await finished(this.#stream);
    await rename(`${this.#path}.tmp`, this.#path);
  }
}
